"""The compiled Solve against the plain restatement, on random clusters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.karpenter.batch import reschedulable_pods
from reference.karpenter.cluster import Cluster
from reference.karpenter.provision import Scheduler
from reference.karpenter.relaxation import relax as relax_twin
from strategies_karpenter import provisioning_inputs, templates

from pyscale.conformance.karpenter.outcome import own_outcome
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.manifests import pod_template_from_dict
from pyscale.policies.karpenter.podspec import pod_requirements
from pyscale.policies.karpenter.relaxation import relax
from pyscale.policies.karpenter.solver import Solver


def twin_outcome(outcome):
    claims = [
        {
            "nodePool": claim.pool_name,
            "pods": claim.pod_keys,
            "instanceTypes": [kind.name for kind in claim.types],
            "instanceTypesBeforeTruncation": claim.types_before_truncation,
            "requirements": [
                {name: value for name, value in entry.items() if not names_types(entry, name)}
                for entry in claim.node_claim_requirements.render()
            ],
            "requests": claim.requests,
            "cheapestPrice": claim.cheapest_price,
            "minValuesRelaxed": claim.min_values_relaxed,
        }
        for claim in outcome.claims
    ]
    return {
        "newNodeClaims": sorted(claims, key=lambda claim: (claim["nodePool"], claim["pods"])),
        "existingNodes": outcome.placements,
        "failedPods": sorted(outcome.errors),
        "ignored": sorted(outcome.ignored),
    }


def names_types(entry, field):
    return field == "values" and entry["key"] == "node.kubernetes.io/instance-type"


@given(provisioning_inputs())
def test_a_round_is_the_twin_s(given_input):
    solver = Solver(read_objects(given_input), read_settings(given_input))
    expected = twin_outcome(Scheduler(Cluster(given_input)).solve())
    assert own_outcome(solver, solver.solve()) == expected


@given(provisioning_inputs(), st.data())
def test_what_ifs_are_the_twin_s(given_input, data):
    cluster = Cluster(given_input)
    solver = Solver(read_objects(given_input), read_settings(given_input))
    for _ in range(2):
        usable = [node for node in cluster.nodes if not node.marked_for_deletion]
        nodes = data.draw(st.lists(st.sampled_from(usable), unique=True)) if usable else []
        under = {node.name for node in cluster.nodes if data.draw(st.integers(0, 4)) == 0}
        outcome = Scheduler(
            cluster,
            candidates=nodes,
            candidate_pods=reschedulable_pods(cluster, nodes),
            under_consolidate_after=under,
            strict_reservations=False,
        ).solve()
        ours = solver.solve([node.name for node in nodes], under, strict_reservations=False)
        assert own_outcome(solver, ours) == twin_outcome(outcome)


class Spec:
    """As much of a pod as the twin's relaxation reads."""

    def __init__(self, spec):
        self.spec = spec


@given(templates(), st.booleans())
def test_preferences_are_dropped_in_the_twin_s_order(manifest, tolerate):
    spec = pod_template_from_dict(manifest, validate=False).spec
    twin = Spec(manifest["spec"])
    while True:
        step = relax(spec, tolerate)
        assert (step is None) == (relax_twin(twin, tolerate) is None)
        if step is None:
            return
        spec = step[0]
        relaxed = pod_template_from_dict({"metadata": {}, "spec": twin.spec}, validate=False).spec
        assert pod_requirements(spec, strict=False) == pod_requirements(relaxed, strict=False)
        assert set(spec.tolerations) == set(relaxed.tolerations)
        assert spec.topology_spread_constraints == relaxed.topology_spread_constraints


@given(st.integers(1, 2), st.integers(1, 14), st.sampled_from(["spread", "apart", "together"]))
def test_more_domains_than_a_word_has_bits(skew, n, kind):
    key, selector = "node.kubernetes.io/instance-type", {"matchLabels": {"app": "x"}}
    term = {"topologyKey": key, "labelSelector": selector}
    spec = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    if kind == "spread":
        more = {"maxSkew": skew, "whenUnsatisfiable": "DoNotSchedule"}
        spec["topologySpreadConstraints"] = [{**term, **more}]
    else:
        spec["affinity"] = {"podAntiAffinity" if kind == "apart" else "podAffinity": required}
    given_input = {
        "now": "2026-01-05T12:00:00Z",
        "catalogue": "fake:100",
        "nodePools": [{"metadata": {"name": "a"}, "spec": {"template": {"spec": {}}}}],
        "templates": [{"metadata": {"labels": {"app": "x"}}, "spec": spec}],
        "pods": [
            {"name": f"p{i:02d}", "uid": f"u{i:02d}", "creationTimestamp": "2026-01-05T11:00:00Z"}
            | {"template": 0}
            for i in range(n)
        ],
    }
    solver = Solver(read_objects(given_input), read_settings(given_input))
    expected = twin_outcome(Scheduler(Cluster(given_input)).solve())
    assert own_outcome(solver, solver.solve()) == expected


def test_an_attempt_in_vain_says_nothing_about_relaxed_min_values():
    def kind(name, zone, *offerings):
        return {
            "name": name,
            "architecture": "amd64",
            "os": ["linux"],
            "capacity": {"cpu": "2", "memory": "4Gi", "pods": "8"},
            "overhead": {},
            "labels": {"example.com/size": [name]},
            "offerings": [
                {"zone": zone, "price": 0.1, "available": True, **each} for each in offerings
            ],
        }

    sold_out = {"capacityType": "reserved", "reservationID": "r", "reservationCapacity": 0}
    spec = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}}}]}
    in_a = {"nodeSelector": {"topology.kubernetes.io/zone": "a"}}
    alone = {
        "topologySpreadConstraints": [
            {
                "topologyKey": "kubernetes.io/hostname",
                "maxSkew": 1,
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "x"}},
            }
        ]
    }
    labels = {"labels": {"app": "x"}}
    wanted = [{"key": "example.com/size", "operator": "Exists", "minValues": 2}]
    given_input = {
        "now": "2026-01-05T12:00:00Z",
        "instanceTypes": [
            kind("t0", "a", {"capacityType": "on-demand"}),
            kind("t1", "b", sold_out),
        ],
        "wellKnownLabels": ["example.com/size"],
        "nodePools": [
            {"metadata": {"name": "p"}, "spec": {"template": {"spec": {"requirements": wanted}}}}
        ],
        "templates": [{"metadata": labels, "spec": {**spec, **more}} for more in (alone, in_a)],
        # The first one waits for the reservation, is tried again after the second one, in vain.
        "pods": [
            {"name": f"p{i}", "uid": f"u{i}", "creationTimestamp": "2026-01-05T11:00:00Z"}
            | {"template": i}
            for i in range(2)
        ],
        "options": {"minValuesPolicy": "BestEffort"},
    }
    solver = Solver(read_objects(given_input), read_settings(given_input))
    ours = own_outcome(solver, solver.solve())
    assert ours == twin_outcome(Scheduler(Cluster(given_input)).solve())
    assert [claim["minValuesRelaxed"] for claim in ours["newNodeClaims"]] == [True]


@pytest.mark.parametrize("storage_class", ["nope", None])
def test_where_a_pod_runs_it_keeps_others_away_whatever_its_volumes(storage_class):
    apart = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {
                    "labelSelector": {"matchLabels": {"app": "x"}},
                    "topologyKey": "kubernetes.io/hostname",
                }
            ]
        }
    }
    spec = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}}}]}
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    times = {"creationTimestamp": "2026-01-05T11:00:00Z"}
    given_input = {
        "now": "2026-01-05T12:00:00Z",
        "instanceTypes": [],
        "nodePools": [],
        "nodes": [
            {
                "name": "n",
                "labels": {"kubernetes.io/hostname": "n"},
                "capacity": {"cpu": "4", "memory": "8Gi", "pods": "10"},
            }
        ],
        "persistentVolumeClaims": [
            {
                "metadata": {"name": "data", "namespace": "default"},
                "spec": {"storageClassName": storage_class},
            }
        ],
        "templates": [
            {"metadata": {"labels": {"app": "x"}}, "spec": spec},
            {"metadata": {}, "spec": {**spec, "affinity": apart, "volumes": [volume]}},
        ],
        "pods": [
            {"name": "waits", "uid": "u0", "template": 0, **times},
            {"name": "runs", "uid": "u1", "template": 1, "nodeName": "n", **times},
        ],
    }
    solver = Solver(read_objects(given_input), read_settings(given_input))
    ours = own_outcome(solver, solver.solve())
    assert ours == twin_outcome(Scheduler(Cluster(given_input)).solve())
    assert ours["existingNodes"] == {}
