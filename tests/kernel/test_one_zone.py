"""A list of one zone that loses nodes one by one is what it would be if written anew."""

from hypothesis import given
from hypothesis import strategies as st
from strategies_cluster_autoscaler import node_of, template

from pyscale.policies.kube_scheduler.profile import Profile
from pyscale.policies.kube_scheduler.snapshot import Snapshot


@given(
    n=st.integers(1, 8),
    steps=st.lists(st.tuples(st.sampled_from("raafcuppp"), st.integers(0, 30)), max_size=25),
)
def test_the_list_is_the_nodes_in_order_of_addition(n, steps):
    snapshot = Snapshot(Profile(score_weights={}), interleaved=False)
    state, small = snapshot.state, snapshot.pod_class(template(2, 0))
    large = snapshot.pod_class(template(3, 0))
    there = [snapshot.insert_node(node_of(4, 4, 4), f"n{i}") for i in range(n)]
    used = dict.fromkeys(there, 0)
    saved = []
    for number, (step, which) in enumerate(steps):
        if step == "a":
            there.append(snapshot.insert_node(node_of(4, 4, 4), f"more{number}"))
            used[there[-1]] = 0
        elif step == "p" and there:
            node = there[which % len(there)]
            state.add_pod(small, node)
            used[node] += 1
        elif step == "r" and there:
            state.remove_node(there.pop(which % len(there)))
        elif step == "f":
            state.fork()
            saved.append((list(there), dict(used)))
        elif step == "c" and saved:
            state.commit()
            saved.pop()
        elif step == "u" and saved:
            state.revert()
            there, used = saved.pop()
        assert state.listing() == there
        # What is cached per place follows: a node takes two of these pods.
        places = [(which + i) % len(there) for i in range(len(there))]
        takers = [place for place in places if used[there[place]] < 2]
        assert state.scan_list(small, which) == (takers[0] if takers else -1)
        if which % 4 == 0:  # seldom asked about: several changes of the list at once
            takers = [place for place in places if used[there[place]] == 0]
            assert state.scan_list(large, which) == (takers[0] if takers else -1)
