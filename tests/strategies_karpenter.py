"""Small random clusters in the schema of the recordings, every provisioning feature mixed."""

from hypothesis import strategies as st

ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"
CAPACITY_TYPE = "karpenter.sh/capacity-type"
TEAM = "example.com/team"
SIZE = "example.com/size"
ZONES = ["a", "b", "c"]
APPS = ["x", "y"]
LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
EFFECTS = ["NoSchedule", "PreferNoSchedule"]


def maybe(strategy, field):
    """A dict with the field, or without."""
    return st.one_of(st.just({}), strategy.map(lambda value: {field: value}))


def merged(*parts):
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


@st.composite
def expressions(draw, keys=(ZONE, CAPACITY_TYPE, TEAM, SIZE)):
    key = draw(st.sampled_from(keys))
    if key == SIZE and draw(st.booleans()):
        bound = str(draw(st.integers(1, 4)))
        return {"key": key, "operator": draw(st.sampled_from(["Gt", "Lt"])), "values": [bound]}
    values = {
        ZONE: ZONES,
        CAPACITY_TYPE: ["spot", "on-demand"],
        TEAM: ["red", "blue"],
        SIZE: ["1", "2", "4"],
    }[key]
    operator = draw(st.sampled_from(["In", "In", "NotIn", "Exists", "DoesNotExist"]))
    if operator in ("Exists", "DoesNotExist"):
        return {"key": key, "operator": operator}
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))
    return {"key": key, "operator": operator, "values": chosen}


@st.composite
def instance_types(draw, number):
    cpu = draw(st.sampled_from([2, 4, 8]))
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True))
    kinds = draw(st.sampled_from([["on-demand"], ["spot", "on-demand"]]))
    price = draw(st.sampled_from([0.1, 0.2, 0.4])) * cpu
    offerings = [
        {
            "zone": zone,
            "capacityType": kind,
            "price": price * (0.5 if kind == "spot" else 1),
            "available": draw(st.integers(0, 9)) > 0,
        }
        for zone in zones
        for kind in kinds
    ]
    if draw(st.integers(0, 3)) == 0:
        offerings[0]["capacityOverride"] = {"cpu": str(cpu * 2)}
    if draw(st.integers(0, 3)) == 0:
        offerings.append(
            {
                "zone": zones[0],
                "capacityType": "reserved",
                "price": 0.01,
                "reservationID": f"r{draw(st.integers(0, 1))}",
                "reservationCapacity": draw(st.integers(0, 2)),
            }
        )
    return {
        "name": f"t{number}",
        "architecture": "amd64",
        "os": ["linux"],
        "capacity": {"cpu": str(cpu), "memory": f"{cpu * 2}Gi", "pods": "8"},
        "overhead": {"kubeReserved": {"cpu": "100m"}},
        "labels": {SIZE: [str(cpu)]},
        "offerings": offerings,
    }


def taints():
    return st.builds(
        lambda value, effect: {"key": "t", "value": value, "effect": effect},
        st.sampled_from(["1", "2"]),
        st.sampled_from(EFFECTS),
    )


@st.composite
def pools(draw, number):
    template = {"requirements": [LINUX, *draw(st.lists(expressions(), max_size=2))]}
    if draw(st.integers(0, 3)) == 0:
        template["taints"] = [draw(taints())]
    if draw(st.integers(0, 4)) == 0:
        template["requirements"].append(
            {"key": SIZE, "operator": "Exists", "minValues": draw(st.integers(1, 3))}
        )
    spec = {
        "disruption": {"consolidateAfter": "0s"},
        "weight": draw(st.sampled_from([1, 10])),
        "template": {"spec": template},
    }
    if draw(st.booleans()):
        spec["template"]["metadata"] = {"labels": {TEAM: draw(st.sampled_from(["red", "blue"]))}}
    if draw(st.integers(0, 2)) == 0:
        spec["limits"] = {"cpu": str(draw(st.integers(4, 24)))}
    return {"metadata": {"name": f"pool{number}"}, "spec": spec}


def selectors():
    return st.sampled_from(APPS).map(lambda app: {"matchLabels": {"app": app}})


def spreads():
    return st.builds(
        lambda key, skew, hard, selector, more: {
            "topologyKey": key,
            "maxSkew": skew,
            "whenUnsatisfiable": hard,
            "labelSelector": selector,
            **more,
        },
        st.sampled_from([ZONE, HOSTNAME, CAPACITY_TYPE]),
        st.integers(1, 2),
        st.sampled_from(["DoNotSchedule", "ScheduleAnyway"]),
        selectors(),
        merged(
            maybe(st.integers(1, 3), "minDomains"),
            maybe(st.sampled_from(["Honor", "Ignore"]), "nodeTaintsPolicy"),
            maybe(st.sampled_from(["Honor", "Ignore"]), "nodeAffinityPolicy"),
        ),
    )


def affinity_terms():
    return st.builds(
        lambda key, selector: {"topologyKey": key, "labelSelector": selector},
        st.sampled_from([ZONE, HOSTNAME]),
        selectors(),
    )


def required_and_preferred(terms, wrap):
    weighted = st.tuples(st.integers(1, 100), terms).map(lambda w: {"weight": w[0], wrap: w[1]})
    return merged(
        maybe(
            st.lists(terms, min_size=1, max_size=1),
            "requiredDuringSchedulingIgnoredDuringExecution",
        ),
        maybe(
            st.lists(weighted, min_size=1, max_size=2),
            "preferredDuringSchedulingIgnoredDuringExecution",
        ),
    )


@st.composite
def node_affinity(draw):
    terms = st.lists(expressions(), min_size=1, max_size=2).map(lambda e: {"matchExpressions": e})
    affinity = {}
    if draw(st.booleans()):
        affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {
            "nodeSelectorTerms": draw(st.lists(terms, min_size=1, max_size=2))
        }
    if draw(st.booleans()):
        affinity["preferredDuringSchedulingIgnoredDuringExecution"] = [
            {"weight": draw(st.integers(1, 9)), "preference": draw(terms)}
        ]
    return affinity


@st.composite
def templates(draw):
    container = {
        "name": "c",
        "image": "i",
        "resources": {
            "requests": {
                "cpu": draw(st.sampled_from(["100m", "500m", "1", "3"])),
                "memory": draw(st.sampled_from(["128Mi", "1Gi", "4Gi"])),
            }
        },
    }
    if draw(st.integers(0, 5)) == 0:
        container["ports"] = [
            {"containerPort": 1, "hostPort": draw(st.integers(1, 2)), "protocol": "TCP"}
        ]
    spec = {"containers": [container]}
    if draw(st.integers(0, 2)) == 0:
        spec["topologySpreadConstraints"] = draw(st.lists(spreads(), min_size=1, max_size=2))
    affinity = {}
    if draw(st.integers(0, 3)) == 0:
        affinity["nodeAffinity"] = draw(node_affinity())
    for field in ("podAffinity", "podAntiAffinity"):
        if draw(st.integers(0, 4)) == 0:
            affinity[field] = draw(required_and_preferred(affinity_terms(), "podAffinityTerm"))
    if affinity:
        spec["affinity"] = affinity
    if draw(st.integers(0, 2)) == 0:
        spec["tolerations"] = [draw(st.sampled_from([{"operator": "Exists"}, {"key": "t"}]))]
        if "operator" not in spec["tolerations"][0]:
            spec["tolerations"][0].update(operator="Equal", value="1")
    if draw(st.integers(0, 4)) == 0:
        spec["nodeSelector"] = {draw(st.sampled_from([ZONE, TEAM])): draw(st.sampled_from("ab"))}
    return {"metadata": {"labels": {"app": draw(st.sampled_from(APPS))}}, "spec": spec}


@st.composite
def provisioning_inputs(draw):
    """A whole case: catalogue, pools, templates, pods, some nodes with pods on them."""
    kinds = [draw(instance_types(i)) for i in range(draw(st.integers(1, 4)))]
    owners = [draw(pools(i)) for i in range(draw(st.integers(1, 2)))]
    shapes = draw(st.lists(templates(), min_size=1, max_size=4))
    nodes, pods = [], []
    for i in range(draw(st.integers(0, 3))):
        nodes.append(
            {
                "name": f"n{i}",
                "state": draw(
                    st.sampled_from(["initialized", "initialized", "registered", "unmanaged"])
                ),
                "nodePool": owners[0]["metadata"]["name"],
                "capacity": {"cpu": "4", "memory": "8Gi", "pods": "8"},
                "labels": {
                    ZONE: draw(st.sampled_from(ZONES)),
                    CAPACITY_TYPE: "on-demand",
                    "kubernetes.io/os": "linux",
                    SIZE: "4",
                },
                "deleting": draw(st.integers(0, 5)) == 0,
            }
        )
        pods += [
            {"name": f"b{i}{j}", "nodeName": f"n{i}", "template": draw(index(shapes))}
            for j in range(draw(st.integers(0, 2)))
        ]
    pods += [
        {"name": f"p{i:02d}", "template": draw(index(shapes))}
        for i in range(draw(st.integers(1, 10)))
    ]
    for i, pod in enumerate(pods):
        pod["uid"] = f"u{draw(st.integers(0, 9))}{i:02d}"
        pod["creationTimestamp"] = f"2026-01-05T11:0{draw(st.integers(0, 2))}:00Z"
    options = draw(
        merged(
            maybe(st.sampled_from(["Respect", "Ignore"]), "preferencePolicy"),
            maybe(st.sampled_from(["Strict", "BestEffort"]), "minValuesPolicy"),
        )
    )
    return {
        "kind": "provisioning",
        "now": "2026-01-05T12:00:00Z",
        "instanceTypes": kinds,
        "wellKnownLabels": [SIZE],
        "nodePools": owners,
        "templates": shapes,
        "pods": pods,
        "nodes": nodes,
        "options": options,
    }


BUDGETS = (
    {"nodes": "100%"},
    {"nodes": "40%"},
    {"nodes": "1", "reasons": ["Underutilized", "Drifted"]},
    {"nodes": "0", "schedule": "0 9-11 * * mon", "duration": "90m"},
    {"nodes": "1", "schedule": "bad", "duration": "1h"},
)
POD_COSTS = ("1000", "-134217728", "1073741824", "none")


@st.composite
def disruption_inputs(draw):
    """A provisioning case whose nodes may be disrupted: more of them, of known types."""
    given = draw(provisioning_inputs())
    given["kind"] = "disruption"
    given["perCandidate"] = True
    given["options"]["featureGates"] = {"SpotToSpotConsolidation": draw(st.booleans())}
    for pool in given["nodePools"]:
        pool["spec"]["disruption"] = {
            "consolidationPolicy": draw(
                st.sampled_from(["WhenEmptyOrUnderutilized", "Balanced", "WhenEmpty"])
            ),
            "consolidateAfter": draw(st.sampled_from(["0s", "0s", "10m", "Never"])),
            "budgets": draw(st.lists(st.sampled_from(BUDGETS[:3]), max_size=2))
            + draw(st.lists(st.sampled_from(BUDGETS[3:]), max_size=draw(st.integers(0, 1)))),
        }
    kinds = given["instanceTypes"]
    for i in range(len(given["nodes"]), draw(st.integers(2, 6))):
        given["nodes"].append({"name": f"n{i}", "labels": {"kubernetes.io/os": "linux"}})
        for j in range(draw(st.integers(0, 3))):
            name = f"b{i}{j}"
            pod = {"name": name, "nodeName": f"n{i}", "uid": f"v{name}"}
            pod["template"] = draw(index(given["templates"]))
            given["pods"].append({**pod, "creationTimestamp": "2026-01-05T11:00:00Z"})
    for node in given["nodes"]:
        kind = draw(st.sampled_from(kinds))
        offering = draw(st.sampled_from(kind["offerings"]))
        node["nodePool"] = draw(st.sampled_from(given["nodePools"]))["metadata"]["name"]
        node["capacity"] = kind["capacity"]
        node["labels"] |= {
            "node.kubernetes.io/instance-type": kind["name"],
            ZONE: offering["zone"],
            CAPACITY_TYPE: offering["capacityType"],
            SIZE: kind["labels"][SIZE][0],
        }
        for flag in ("staleHash", "nominated", "markedForDeletion"):
            if draw(st.integers(0, 9)) == 0:
                node[flag] = True
        if draw(st.integers(0, 3)) == 0:
            node["lastPodEventTime"] = f"2026-01-05T11:5{draw(st.integers(0, 9))}:00Z"
    for pod in given["pods"]:
        if draw(st.integers(0, 5)) == 0:
            cost = draw(st.sampled_from(POD_COSTS))
            pod["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    return given


def index(items):
    return st.integers(0, len(items) - 1)
