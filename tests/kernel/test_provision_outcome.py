"""What is read from a round's outcome follows from where its pods went."""

from hypothesis import assume, given
from hypothesis import strategies as st
from strategies_karpenter import provisioning_inputs

from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.policies.karpenter.solver import Solver


@given(provisioning_inputs(), st.data())
def test_claims_nominations_and_pods_without_a_place_follow_from_places(given_input, data):
    solver = Solver(read_objects(given_input), read_settings(given_input))
    names = [node.name for node in solver.nodes]
    group = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    found = solver.solve(group).raw
    place, n_nodes = found.place.tolist(), found.n_nodes
    assert n_nodes == len(names)
    assert found.n_pods == len(place) == len(found.classes) == len(found.reasons)
    assert found.n_pending == len(solver.pending) == found.n_pods - len(found.moved)
    assert found.pods_of_claims() == [
        [pod for pod, where in enumerate(place) if where == n_nodes + claim]
        for claim in range(found.n_claims)
    ]
    of_pending = {where for where in place[: found.n_pending] if 0 <= where < n_nodes}
    assert found.nominated() == sorted(of_pending)
    first_moving = found.n_pending + found.n_leaving
    for sure in (0, n_nodes):
        assert found.unplaced(sure) == [
            pod
            for pod, where in enumerate(place)
            if pod >= found.n_pending
            and (where < 0 or (pod < first_moving and sure <= where < n_nodes))
        ]


@given(provisioning_inputs())
def test_a_later_round_leaves_an_outcome_alone(given_input):
    solver = Solver(read_objects(given_input), read_settings(given_input))
    assume(solver.nodes)
    found = solver.solve().raw

    def everything():
        claims = range(found.n_claims)
        return (
            found.place.tolist(),
            found.reasons.tolist(),
            [found.claim(i) for i in claims],
            [found.requests(i) for i in claims],
            [found.held(i) for i in claims],
            [found.relaxes_min_values(i) for i in claims],
        )

    before = everything()
    solver.solve([node.name for node in solver.nodes])
    assert everything() == before
