"""The event loop against its plain twin, and the laws that hold in every run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.event_loop import GONE, PlainLoop
from reference.scheduling import PlainScheduler

from pyscale.kernel._engine import Engine
from pyscale.kernel._placer import ObjectPlacer, Placer

KINDS = ((4, 5), (8, 3), (2, 2))


def allowed(pod_class, kind):
    return (pod_class + kind) % 3 != 0


def engine_of(classes, rows, daemons=(), scheduler=None):
    rows = sorted(rows, key=lambda row: row["arrival"])
    requests = [[one["cpu"], 1] for one in classes]
    scheduler = scheduler or PlainScheduler(requests, allowed)

    def column(name, dtype=np.int64, of=rows):
        return np.array([one[name] for one in of], dtype)

    engine = Engine(
        np.array(requests, np.int64).reshape(-1, 2).T,
        column("priority", np.int32, classes),
        column("restart", np.uint8, classes),
        np.array([one.get("gated", 0) for one in classes], np.uint8),
        column("class", np.int32),
        column("arrival"),
        column("duration"),
        column("count"),
        np.full(len(rows), -1, np.int32),
        np.array(daemons, np.int32),
        ObjectPlacer(scheduler),
    )
    for number, amounts in enumerate(KINDS):
        scheduler.add_kind(number, amounts)
    return engine


def run_to(engine, until):
    while engine.run(until, 0)[0]:
        pass


def remove(engine, node):
    engine.evict(engine.tenants(node)[0])
    engine.terminate(node)
    engine.remove(node)


def integers(low, high):
    return st.integers(low, high)


CLASSES = st.lists(
    st.fixed_dictionaries(
        {"cpu": integers(0, 4), "priority": integers(-1, 1), "restart": integers(0, 2)}
    ),
    min_size=3,
    max_size=3,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "class": integers(0, 2),
            "arrival": integers(0, 30),
            "duration": integers(-1, 20),
            "count": integers(1, 4),
        }
    ),
    max_size=12,
)
STEPS = st.lists(
    st.tuples(
        integers(0, 6), st.sampled_from(("add", "cordon", "evict", "remove")), integers(0, 99)
    ),
    max_size=15,
)


def act(engine, twin, action, number):
    """Do one thing in both worlds."""
    alive = [node for node, record in enumerate(twin.nodes) if record["state"] != GONE]
    if action == "add":
        ready = engine.now + number % 7 if number % 5 else -1
        engine.add_node(number % 3, ready)
        twin.add_node(number % 3, ready)
    elif alive and action == "remove":
        remove(engine, alive[number % len(alive)])
        twin.remove(alive[number % len(alive)])
    elif alive and action == "cordon":
        node = alive[number % len(alive)]
        closed = not twin.nodes[node]["cordoned"]
        engine.cordon(node, closed)
        twin.cordon(node, closed)
    elif action == "evict":
        running = [pod for node in alive for pod in sorted(twin.running_on(node))]
        running = [pod for pod in running if twin.pods[pod]["origin"] != -2]
        if running:
            engine.evict([running[number % len(running)]])
            twin.evict(running[number % len(running)])


@given(CLASSES, ROWS, STEPS, st.sampled_from(((), (0,), (2, 1))))
def test_the_engine_does_what_its_plain_twin_does(classes, rows, steps, daemons):
    engine = engine_of(classes, rows, daemons)
    scheduler = PlainScheduler([[one["cpu"], 1] for one in classes], allowed)
    for number, amounts in enumerate(KINDS):
        scheduler.add_kind(number, amounts)
    twin = PlainLoop(classes, rows, daemons, scheduler)
    for wait, action, number in [(0, "add", 1), (0, "add", 2), *steps, (40, "", 0)]:
        run_to(engine, engine.now + wait)
        twin.run(twin.now + wait)
        act(engine, twin, action, number)
    pods, nodes = engine.pod_columns(), engine.node_columns(all=True)
    for name in ("class_id", "created_ns", "bound_ns", "ended_ns", "node", "origin"):
        assert pods[name].tolist() == [pod[name] for pod in twin.pods], name
    for name in ("kind", "state", "created_ns", "ready_ns", "gone_ns"):
        assert nodes[name].tolist() == [node[name] for node in twin.nodes], name


@given(CLASSES, ROWS, STEPS)
def test_what_the_engine_shows_agrees_with_what_it_records(classes, rows, steps):
    engine = engine_of(classes, rows, (1,))
    for wait, action, number in steps:
        run_to(engine, engine.now + wait)
        if action == "add":
            engine.add_node(number % 3, engine.now + number % 7)
    pods = engine.pod_columns()
    live = (pods["bound_ns"] >= 0) & (pods["ended_ns"] < 0)
    waiting = pods["bound_ns"] < 0
    pending, bound = engine.class_counts()
    assert pending.tolist() == np.bincount(pods["class_id"][waiting], minlength=3).tolist()
    assert bound.tolist() == np.bincount(pods["class_id"][live], minlength=3).tolist()
    ids, pending_classes, since = engine.pending()
    assert ids.tolist() == sorted(np.flatnonzero(waiting), key=lambda i: (pods["created_ns"][i], i))
    assert since.tolist() == pods["created_ns"][ids].tolist()
    assert pending_classes.tolist() == pods["class_id"][ids].tolist()
    start, placed, placed_class, bound_ns = engine.placements()
    node_ids = engine.node_columns()["id"]
    sums = engine.node_sums()
    for row, node in enumerate(node_ids.tolist()):
        part = placed[start[row] : start[row + 1]]
        assert part.tolist() == np.flatnonzero(live & (pods["node"] == node)).tolist()
        assert part.tolist() == engine.pods_on(node)[0].tolist()
        assert sums[1, row] == len(part)
        assert sums[0, row] == sum(classes[c]["cpu"] for c in pods["class_id"][part])
    assert bound_ns.tolist() == pods["bound_ns"][placed].tolist()
    assert placed_class.tolist() == pods["class_id"][placed].tolist()
    chosen = node_ids[::-2]
    rows = np.arange(len(node_ids))[::-2]
    some, some_placed, some_class, some_bound = engine.placements(rows.tolist())
    parts = [engine.pods_on(node) for node in chosen.tolist()]
    assert np.diff(some).tolist() == [len(part[0]) for part in parts]
    for column, found in enumerate((some_placed, some_class, some_bound)):
        assert found.tolist() == [value for part in parts for value in part[column].tolist()]
    with pytest.raises(IndexError, match=f"expected a row below {len(node_ids)}, found -1"):
        engine.placements(np.array([-1]))
    shown = (*engine.node_columns().values(), *engine.pending(), *engine.placements(), sums)
    assert not any(column.flags.writeable for column in (*shown, engine.node_versions()))


ONE = {"cpu": 1, "priority": 0, "restart": 1}


def row(arrival, duration=5, count=1, pod_class=1):
    return {"class": pod_class, "arrival": arrival, "duration": duration, "count": count}


def test_equal_pods_that_fit_nowhere_cost_one_look():
    class Counting(PlainScheduler):
        looks = 0

        def bind(self, pod_class):
            self.looks += 1
            return super().bind(pod_class)

    scheduler = Counting([[9, 1]] * 3, allowed)
    engine = engine_of([ONE] * 3, [row(0, count=1000), row(3, count=5)], scheduler=scheduler)
    engine.add_node(0, 0)
    run_to(engine, 10)
    assert scheduler.looks == 1
    assert len(engine.pending()[0]) == 1005


def test_a_pod_of_no_duration_starts_and_ends_at_once():
    engine = engine_of([ONE] * 3, [row(4, duration=0)])
    engine.add_node(0, 0)
    run_to(engine, 10)
    pods = engine.pod_columns()
    assert (pods["bound_ns"][0], pods["ended_ns"][0]) == (4, 4)


def test_the_driver_is_woken_after_the_instant_is_worked_off():
    engine = engine_of([ONE] * 3, [row(4), row(4), row(9)])
    assert engine.run(20, 1) == (1, 0, -1)
    assert engine.now == 4
    assert len(engine.pending()[0]) == 2
    assert engine.take_woken() == 1 | 32  # pods came, and wait
    assert engine.take_woken() == 0
    assert engine.run(20, 1)[0] == 1
    assert engine.now == 9


def test_events_of_the_driver_come_back_in_order_of_time_and_asking():
    engine = engine_of([ONE] * 3, [])
    engine.push(5, 1, 70)
    engine.push(5, 2, 71)
    engine.push(3, 3, 72)
    found = [engine.run(9, 0) for _ in range(4)]
    assert found == [(2, 3, 72), (2, 1, 70), (2, 2, 71), (0, 0, -1)]
    with pytest.raises(ValueError, match="time must be >= 9, found 3"):
        engine.push(3, 1, 0)


def test_pods_of_higher_priority_are_bound_first():
    classes = [ONE, {**ONE, "cpu": 4}, {**ONE, "cpu": 4, "priority": 5}]
    engine = engine_of(classes, [row(0), row(1, pod_class=2), row(1)])
    engine.add_node(0, 2)
    run_to(engine, 2)
    assert engine.pods_on(0)[0].tolist() == [1]


def test_a_pod_may_be_bound_past_the_scheduler():
    engine = engine_of([ONE] * 3, [row(0), row(0, pod_class=0)])
    engine.add_node(0, 1)
    engine.cordon(0, True)
    run_to(engine, 2)
    assert engine.bind(0, 0)
    assert not engine.bind(0, 0)
    assert not engine.bind(1, 0)
    assert engine.pods_on(0)[0].tolist() == [0]


def test_a_base_placer_says_that_it_cannot():
    with pytest.raises(NotImplementedError):
        Placer().add_kind(None, None)


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_node_that_is_not_there_is_refused(wrong):
    engine = engine_of([ONE] * 3, [])
    engine.add_node(0, 0)
    with pytest.raises(IndexError, match=f"expected the id of a node that is there, found {wrong}"):
        engine.cordon(wrong, True)


def test_a_node_with_pods_cannot_be_terminated():
    engine = engine_of([ONE] * 3, [row(0)])
    engine.add_node(0, 0)
    run_to(engine, 1)
    with pytest.raises(ValueError, match="node 0 still has pod 0"):
        engine.terminate(0)
    with pytest.raises(ValueError, match="node 0 must be terminating before its machine goes"):
        engine.remove(0)
