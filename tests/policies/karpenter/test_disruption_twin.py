"""The disruption methods against the plain restatement, on random clusters."""

import pytest
from hypothesis import given
from reference.karpenter.candidates import REASONS
from reference.karpenter.cluster import Cluster
from reference.karpenter.disruption import DEFAULT_METHODS
from reference.karpenter.disruption import Disruption as Twin
from strategies_karpenter import disruption_inputs

from pyscale.catalog import kwok
from pyscale.conformance.karpenter.disrupting import own_command, own_disruption
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.model.groups import NodePool
from pyscale.policies.karpenter.candidates import METHODS, SINGLE_NODE
from pyscale.policies.karpenter.consolidation import REPLACE
from pyscale.policies.karpenter.disruption import Disruption
from pyscale.policies.karpenter.instance_types import MAX_PRICE
from pyscale.policies.karpenter.solver import Solver
from pyscale.policies.karpenter.state import ClusterObjects


def twin_command(command):
    if command is None:
        return None
    replacements = [
        {
            "nodePool": claim.pool_name,
            "pods": claim.pod_keys,
            "instanceTypes": [kind.name for kind in claim.types],
            "requirements": [
                {name: value for name, value in entry.items() if not names_types(entry, name)}
                for entry in claim.node_claim_requirements.render()
            ],
            "requests": claim.requests,
            "cheapestPrice": None if claim.cheapest_price == MAX_PRICE else claim.cheapest_price,
            "minValuesRelaxed": claim.min_values_relaxed,
        }
        for claim in command.replacements
    ]
    return {
        "decision": command.decision,
        "candidates": command.names,
        "existingNodes": command.placements,
        "replacements": sorted(replacements, key=lambda claim: (claim["nodePool"], claim["pods"])),
    }


def names_types(entry, field):
    return field == "values" and entry["key"] == "node.kubernetes.io/instance-type"


def twin_disruption(given_input):
    twin = Twin(Cluster(given_input))
    results = {method: twin.evaluate(method) for method in DEFAULT_METHODS}
    acting = [method for method, result in results.items() if result.command]
    names = {node.name: node.node_name for node in twin.cluster.nodes}
    return {
        "conditions": {
            "Consolidatable": sorted(names[name] for name in twin.conditions.consolidatable),
            "Drifted": {
                names[name]: reason for name, (reason, _) in twin.conditions.drifted.items()
            },
        },
        "candidates": {
            method: [candidate.name for candidate in result.candidates]
            for method, result in results.items()
        },
        "candidateInfo": {
            candidate.name: {
                "price": candidate.price,
                "rescheduleCost": candidate.reschedule_cost,
                "disruptionCost": candidate.disruption_cost,
            }
            for result in results.values()
            for candidate in result.candidates
        },
        "budgets": {REASONS[method]: result.budgets for method, result in results.items()},
        "commands": {method: twin_command(results[method].command) for method in acting},
        "actingMethod": acting[0] if acting else "",
        "perCandidate": {
            candidate.name: twin_command(twin.evaluate(SINGLE_NODE, only=candidate.name).command)
            for candidate in results[SINGLE_NODE].candidates
        },
    }


@given(disruption_inputs())
def test_every_method_decides_as_the_twin(given_input):
    assert own_disruption(given_input) == twin_disruption(given_input)


@given(disruption_inputs())
def test_looking_changes_nothing(given_input):
    disruption = Disruption(Solver(read_objects(given_input), read_settings(given_input)))
    first = [own_command(disruption.evaluate(method).command) for method in METHODS]
    again = [own_command(disruption.evaluate(method).command) for method in reversed(METHODS)]
    assert first == again[::-1]


@given(disruption_inputs())
def test_consolidation_never_raises_the_price_by_its_own_accounting(given_input):
    # A reserved offering is what its type is judged by, also where the claim is held to spot then:
    # upstream's accounting is about types without any.
    for kind in given_input["instanceTypes"]:
        paid = [each for each in kind["offerings"] if each["capacityType"] != "reserved"]
        kind["offerings"] = paid or kind["offerings"]
    disruption = Disruption(Solver(read_objects(given_input), read_settings(given_input)))
    for method in ("MultiNode", SINGLE_NODE):
        command = disruption.evaluate(method).command
        if command is not None and command.decision == REPLACE:
            (claim,) = command.replacements
            worst = disruption.consolidation.worst_launch_price(claim)
            assert worst < command.source_price


def test_a_node_that_is_not_there_is_an_error():
    disruption = Disruption(Solver(ClusterObjects((NodePool("default"),), kwok())))
    with pytest.raises(KeyError, match="nobody"):
        disruption.evaluate(SINGLE_NODE, "nobody")
