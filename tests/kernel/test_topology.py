"""Counters equal a recount after any sequence of changes, and so does their minimum."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._bind import ClusterState

N_DOMAINS = 3


def small_state():
    """A state with a label column, a kind per domain, two pod classes and a tracked counter."""
    state = ClusterState(False)
    match = state.match
    for _ in range(3):
        state.add_resource()
    column = match.add_column()
    values = [match.add_value(column) for _ in range(N_DOMAINS)]
    taints = match.add_taint_set()
    tolerations = match.add_tolerations()
    match.tolerate(tolerations, taints, True, 0)
    static = match.add_static([], None, None, [], [], tolerations, -1, False)
    state.set_profile([True] * 12, [0] * 7, 100, False, True)
    state.set_strategies(0, [0, 1], [1, 1], [], [0, 1])
    kinds = [state.add_kind({column: v}, taints, False, 9, {0: 99}, [], 0) for v in values]
    kinds.append(state.add_kind({}, taints, False, 9, {0: 99}, [], 0))
    counter = state.add_counter(column, (column,), tracked=True)
    for weight in (1, 2):
        pods = state.add_class(static, {}, {}, 0, 0, [0, 0], [0, 0])
        state.subscribe(pods, counter, weight, weight, 0)
    return state, kinds, counter


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "node", "gone", "fork", "revert", "commit"]),
        st.integers(0, 20),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(STEPS)
def test_counts_and_minimum_equal_a_recount(steps):
    state, kinds, counter = small_state()
    domain_of, n_names = {}, 0
    saved = []
    for step, a, b in steps:
        there = sorted(domain_of)
        if step == "node":
            domain_of[state.add_node(kinds[b], state.match.add_value(0), -1)] = b
            n_names += 1
        elif step == "gone" and there:
            node = there[a % len(there)]
            state.remove_node(node)
            del domain_of[node]
        elif step == "add" and there:
            state.add_pod(b % 2, there[a % len(there)])
        elif step == "remove" and there:
            node = there[a % len(there)]
            for pods in list(state.pods_on(node))[:1]:
                state.remove_pod(pods, node)
        elif step == "fork":
            state.fork()
            saved.append(dict(domain_of))
        elif step == "revert" and saved:
            state.revert()
            domain_of = saved.pop()
        elif step == "commit" and saved:
            state.commit()
            saved.pop()
        recount = defaultdict(int)
        for node, domain in domain_of.items():
            if domain < N_DOMAINS:
                recount[domain] += sum(
                    (pods + 1) * count for pods, count in state.pods_on(node).items()
                )
        assert state.topology.counts(counter) == dict(recount)
        n_domains, minimum, total, _ = state.topology.summary(counter)
        assert n_domains == len(recount)
        assert minimum == min(recount.values(), default=0)
        assert total == sum(recount.values())
        assert state.listing() == sorted(domain_of, key=state.listing().index)
        assert sorted(state.active_nodes()) == sorted(domain_of)
