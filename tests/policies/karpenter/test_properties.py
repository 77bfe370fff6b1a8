"""What holds of every round, whatever the cluster: small random ones, every feature mixed."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from strategies_karpenter import disruption_inputs, provisioning_inputs

from pyscale.conformance.karpenter.disrupting import own_disruption
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.model.resources import NANO
from pyscale.policies.karpenter.disruption import Disruption
from pyscale.policies.karpenter.disruption_plan import WORDS, plan_disruption
from pyscale.policies.karpenter.instance_types import MAX_PRICE
from pyscale.policies.karpenter.parity import NODE_LIMIT, QUIRKS
from pyscale.policies.karpenter.solver import Solver
from pyscale.policies.karpenter.templates import limits_left


def solver_of(given_input, **settings):
    return Solver(read_objects(given_input), replace(read_settings(given_input), **settings))


def capacity_types(claim):
    return claim.final_requirements.get("karpenter.sh/capacity-type").values


def everything(solution):
    raw = solution.raw
    claims = [claim.to_dict(solution.batch) for claim in solution.claims]
    return raw.place.tolist(), raw.reasons.tolist(), claims, solution.errors


@given(provisioning_inputs(), st.data())
def test_a_round_without_some_nodes_leaves_no_trace(given_input, data):
    solver = solver_of(given_input)
    assume(solver.nodes)
    before = everything(solver.solve())
    names = st.sampled_from([node.name for node in solver.nodes])
    for _ in range(3):
        # Nodes that are named twice, or are going anyway, change nothing.
        group = data.draw(st.lists(names, min_size=1, max_size=len(solver.nodes)))
        solver.solve(group, (), False)
        solver.what_ifs([[name] for name in group])
        assert everything(solver.solve()) == before


@given(provisioning_inputs(), st.booleans())
def test_no_claim_is_without_a_compatible_priced_offering(given_input, sane):
    solver = solver_of(given_input, repaired=frozenset(QUIRKS if sane else ()))
    for claim in solver.solve().claims:
        assert claim.pods
        assert claim.ordered_types
        prices = claim.template.columns.prices(claim.final_requirements)[claim.ordered_types]
        assert prices.min() < MAX_PRICE
        if "reserved" not in capacity_types(claim):
            # Reservations that were held by others stay in the list, without a price.
            assert prices.max() < MAX_PRICE


@given(provisioning_inputs(), st.booleans())
def test_limits_hold_whichever_of_its_types_a_claim_becomes(given_input, sane):
    for pool in given_input["nodePools"]:
        pool["spec"].setdefault("limits", {})["nodes"] = "2"
    solver = solver_of(given_input, repaired=frozenset((NODE_LIMIT,) if sane else ()))
    active = [node for node in solver.nodes if not node.marked_for_deletion]
    claims = solver.solve().claims
    for template in solver.templates:
        mine = [claim for claim in claims if claim.template is template]
        if not mine:
            continue
        left = limits_left(template.pool, active)
        # Of a limit on nodes a round of upstream uses up nothing.
        nodes = left.pop("nodes") // NANO
        assert nodes >= len(mine) if sane else nodes >= 1
        for name, amount in left.items():
            most = [
                max(template.columns.types[i].capacity.get(name, 0) for i in claim.ordered_types)
                for claim in mine
            ]
            assert sum(most) <= amount


@given(disruption_inputs())
def test_a_plan_of_disruption_is_what_the_methods_decide(given_input):
    found = plan_disruption(read_objects(given_input), read_settings(given_input))
    own = own_disruption({**given_input, "methods": None})
    acting = own["actingMethod"]
    assert (found.command.method if found.command else "") == WORDS.get(acting, "")
    assert all((each.command is None) == bool(each.reason) for each in found.nodes)
    assert [each.node for each in found.nodes] == sorted(each.node for each in found.nodes)


@given(disruption_inputs(), st.integers(0, 3))
def test_whoever_wins_ties_the_candidates_are_the_same(given_input, seed):
    given_objects, settings = read_objects(given_input), read_settings(given_input)
    strict = Disruption(Solver(given_objects, settings))
    tie_break = replace(settings.tie_break, seed=seed)
    drawn = Disruption(Solver(given_objects, replace(settings, tie_break=tie_break)))
    for method in WORDS:
        left, right = strict.evaluate(method), drawn.evaluate(method)
        assert [each.name for each in left.candidates] == [each.name for each in right.candidates]
        assert left.budgets == right.budgets
