"""A policy that breaks the protocol is told which rule it broke, and where."""

from dataclasses import dataclass, field

import pytest

from pyscale import catalog as catalogs
from pyscale.model.groups import NodeGroup
from pyscale.policies.base import ClusterView, Policy
from pyscale.policies.check import check_policy
from pyscale.policies.decision import AddNodes, Bind, Decision, Keep, RemoveNodes, Scale, WakeOn

CATALOG = catalogs.fake(3)


@dataclass(frozen=True)
class OnePerPod(Policy):
    """Buys one machine per pending pod: well behaved."""

    name = "one-per-pod"

    def decide(self, view: ClusterView) -> Decision:
        types = tuple(view.setting.catalog.by_name)
        actions = tuple(
            AddNodes("a pod is pending", instance_types=types, pods=(int(pod),))
            for pod in view.pending_pod
        )
        return Decision(actions or (Keep("nothing is pending"),), wake_on=WakeOn.POD_PENDING)


@dataclass(frozen=True)
class Says(Policy):
    """Answers every view with one decision."""

    decision: object = None
    name = "says"

    def node_groups(self) -> tuple[NodeGroup, ...]:
        return (NodeGroup("blue", ("fake-it-1",), ("test-zone-1",)),)

    def decide(self, view: ClusterView) -> Decision:
        return self.decision


@dataclass
class Counts(Policy):
    """Answers differently each time."""

    calls: list[int] = field(default_factory=list)
    name = "counts"

    def decide(self, view: ClusterView) -> Decision:
        self.calls.append(1)
        return Decision((Keep(f"call {len(self.calls)}"),))


class Writes(Policy):
    name = "writes"

    def decide(self, view: ClusterView) -> Decision:
        view.pending_pod[:] = 0
        return Decision()


class NoDecide:
    name = "no-decide"


def test_a_well_behaved_policy_passes():
    check_policy(OnePerPod(), CATALOG)


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (None, "says: decide must return a Decision, found None"),
        (Decision(wake_ns=5), "says: wake_ns must be later than 60000000000, found 5"),
        (Decision(wake_on=3), "wake_on must be a WakeOn"),
        (Decision(("add",)), r"says: actions\[0\]: expected an action, found 'add'"),
        (Decision((Keep(""),)), r"says: actions\[0\].reason must not be empty"),
        (Decision((RemoveNodes((7,), "x"),)), r"actions\[0\].nodes\[0\]: no node has the id 7"),
        (Decision((Bind((1, 2), (0,), "x"),)), "expected as many nodes as pods, found 1 and 2"),
        (Decision((AddNodes("x", count=0),)), r"actions\[0\].count must be >= 1, found 0"),
        (Decision((AddNodes("x"),)), "expected a group or instance_types, found neither"),
        (
            Decision((AddNodes("x", group="bleu"),)),
            r"actions\[0\].group: unknown name 'bleu': did you mean blue\?",
        ),
        (
            Decision((AddNodes("x", instance_types=("fake-it-9",)),)),
            "instance_types: unknown name 'fake-it-9'",
        ),
        (Decision((Scale("blue", -1, "x"),)), r"actions\[0\].size must be >= 0, found -1"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(decision, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_policy(Says(decision), CATALOG)


def test_a_policy_that_remembers_in_its_options_is_refused():
    with pytest.raises(ValueError, match="equal views must give equal decisions"):
        check_policy(Counts(), CATALOG)


def test_a_view_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        check_policy(Writes(), CATALOG)


def test_a_missing_method_is_named():
    with pytest.raises(TypeError, match="no-decide: a policy needs begin, node_groups"):
        check_policy(NoDecide(), CATALOG)


def test_a_policy_that_cannot_be_pickled_is_refused():
    with pytest.raises(TypeError, match="must be picklable"):
        check_policy(Says(lambda: 0), CATALOG)
