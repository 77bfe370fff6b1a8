"""Pods as columns say the same as the same pods as objects."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import Container, ContainerPort, OwnerReference, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.times import HOUR, MINUTE
from pyscale.policies.karpenter.bound_pods import BoundPods, PodColumns
from pyscale.policies.karpenter.classes import FormTable
from pyscale.policies.karpenter.volumes import Volumes

NAMES = ("n0", "n1", "n2")


def template(cpu=1, priority=None, ports=(), owner="", **fields):
    container = Container(
        requests={CPU: cpu * NANO // 1000, MEMORY: 2**28 * NANO},
        ports=tuple(ContainerPort(host_port=port) for port in ports),
    )
    owners = (OwnerReference(owner, "o"),) if owner else ()
    return PodTemplate(PodSpec((container,), priority=priority), owners=owners, **fields)


TEMPLATES = (
    template(100, labels={"app": "web"}),
    template(250, priority=-(2**26)),
    template(10, owner="DaemonSet", ports=(80,)),
    template(70, annotations={"karpenter.sh/do-not-disrupt": "1h"}),
    template(1, annotations={"karpenter.sh/do-not-disrupt": "true"}, ports=(80, 81)),
    template(333, annotations={"controller.kubernetes.io/pod-deletion-cost": "1000"}),
)
BUDGETS = ((), (PodDisruptionBudget("b", selector=LabelSelector({"app": "web"})),))


def table():
    return FormTable({}, False, Volumes())


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, len(TEMPLATES) - 1), st.integers(0, 90)), max_size=6),
        min_size=3,
        max_size=3,
    ),
    st.sampled_from(BUDGETS),
)
def test_columns_and_objects_agree(nodes, budgets):
    flat = [pod for pods in nodes for pod in pods]
    columns = PodColumns(
        TEMPLATES,
        NAMES,
        np.cumsum([0, *map(len, nodes)]),
        np.arange(len(flat), dtype=np.int64),
        np.array([number for number, _ in flat], dtype=np.int32),
        np.array([minutes * MINUTE for _, minutes in flat], dtype=np.int64),
    )
    objects = BoundPods(list(columns))
    now = 2 * HOUR
    ours, theirs = table(), table()
    assert list(columns.leave(budgets, now)) == list(objects.leave(budgets, now))
    assert list(columns.timed()) == list(objects.timed())
    assert columns.uids() == objects.uids()
    assert columns.created_ns().tolist() == objects.created_ns().tolist()
    numbers = {"n0": 4, "n2": 0}
    assert columns.nodes(numbers).tolist() == objects.nodes(numbers).tolist()
    deleting = frozenset({"n1"})
    assert columns.flags(deleting).tolist() == objects.flags(deleting).tolist()
    kinds = [
        [forms.forms[i].spec for i in pods.forms(forms)]
        for forms, pods in ((ours, columns), (theirs, objects))
    ]
    assert kinds[0] == kinds[1]
    for name in (*NAMES, "gone"):
        assert list(columns.on_node(name)) == list(objects.on_node(name))
        assert columns.costs(name) == objects.costs(name)
        assert columns.blocker(name, budgets, now) == objects.blocker(name, budgets, now)
        one, other = columns.usage(name, ours), objects.usage(name, theirs)
        assert (one.used, one.daemons) == (other.used, other.daemons)
        assert sorted(one.ports) == sorted(other.ports)
