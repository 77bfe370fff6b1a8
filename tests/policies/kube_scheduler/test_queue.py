"""The queue orders pods, makes them wait, and wakes them as upstream does."""

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.policies.kube_scheduler import queue_from_configuration
from pyscale.policies.kube_scheduler.queue import SECOND, QueueOptions, SchedulingQueue


def anything(pod):
    return True


def nothing(pod):
    return False


def test_priority_comes_first_then_waiting_time():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.add("b", 10, SECOND)
    queue.add("c", 0, SECOND)
    queue.add("d", 0, SECOND)
    assert [queue.pop(2 * SECOND) for _ in range(5)] == ["b", "a", "c", "d", None]


def test_a_failed_pod_waits_for_an_event():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    assert queue.pop(0) == "a"
    queue.fail("a", ["NodeResourcesFit"], 0)
    assert queue.pop(100 * SECOND) is None
    assert queue.event(nothing, 100 * SECOND) == []
    assert queue.event(anything, 100 * SECOND) == ["a"]
    assert queue.pop(100 * SECOND) == "a"


def test_an_idle_queue_does_not_await_backoff():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.pop(0)
    queue.fail("a", ["NodeResourcesFit"], 0)
    queue.event(anything, 0)
    assert queue.pods["a"].place == "backoff"
    assert queue.pop(0) == "a"


def test_a_busy_queue_serves_others_before_a_pod_that_backs_off():
    queue = SchedulingQueue()
    queue.add("a", 100, 0)
    queue.pop(0)
    queue.fail("a", ["NodeResourcesFit"], 0)
    queue.event(anything, 0)
    queue.add("b", 0, 0)
    queue.add("c", 0, 0)
    assert queue.pop(SECOND) == "b"  # still backing off within the second of its expiry
    assert queue.pop(2 * SECOND) == "a"
    assert queue.pop(2 * SECOND) == "c"


def test_backoff_doubles_up_to_its_limit():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    found = []
    for _ in range(6):
        queue.pop(0)
        queue.fail("a", ["NodePorts"], 0)
        found.append(queue.backoff_ns(queue.pods["a"]) // SECOND)
        queue.event(anything, 1000 * SECOND)
    assert found == [1, 2, 4, 8, 10, 10]


def test_errors_are_awaited_even_by_an_idle_queue():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.pop(0)
    queue.fail("a", [], 0)
    assert queue.pop(SECOND) is None
    assert queue.next_time(SECOND) == 2 * SECOND
    assert queue.pop(2 * SECOND) == "a"


def test_an_event_during_the_attempt_is_not_lost():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.pop(0)
    queue.event(anything, 0)
    queue.fail("a", ["NodeAffinity"], 0)
    assert queue.pods["a"].place == "backoff"


def test_a_pod_is_tried_again_after_five_minutes():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.pop(0)
    queue.fail("a", ["NodeAffinity"], 0)
    assert queue.pop(300 * SECOND) is None
    assert queue.next_time(300 * SECOND) == 330 * SECOND
    assert queue.pop(330 * SECOND) == "a"


def test_gated_pods_are_not_tried_and_ignore_events():
    queue = SchedulingQueue()
    queue.add("a", 0, 0, ["example.com/wait"])
    assert queue.pop(0) is None
    assert queue.event(anything, 0) == []
    queue.set_gates("a", [], SECOND)
    assert queue.pop(SECOND) == "a"
    assert queue.pods["a"].attempts == 1


def test_a_pod_is_in_the_queue_once():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    with pytest.raises(ValueError, match="pod 'a' is in the queue already"):
        queue.add("a", 0, 0)


def test_removed_pods_are_gone():
    queue = SchedulingQueue()
    queue.add("a", 0, 0)
    queue.remove("a")
    assert queue.pop(0) is None
    assert len(queue) == 0


def test_backoffs_double_up_to_the_longest():
    assert [n // SECOND for n in QueueOptions().backoffs()] == [1, 2, 4, 8, 10]
    assert QueueOptions(3, 3).backoffs() == (3,)
    assert QueueOptions(0, 0).backoffs() == (0,)


def test_durations_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="max_backoff_ns must be at least initial_backoff_ns = 5"):
        QueueOptions(5, 4)
    with pytest.raises(ValueError, match="flush_interval_ns must be >= 1, found 0"):
        QueueOptions(flush_interval_ns=0)


def test_the_backoff_is_read_from_a_configuration():
    read = queue_from_configuration({"podInitialBackoffSeconds": 2, "podMaxBackoffSeconds": 5})
    assert read == QueueOptions(2 * SECOND, 5 * SECOND)
    assert queue_from_configuration(None) == QueueOptions()
    with pytest.raises(InvalidObjectError, match=r"\$.podMaxBackoffSeconds: expected"):
        queue_from_configuration({"podMaxBackoffSeconds": 0})
