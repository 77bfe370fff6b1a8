"""Pod templates from a row's requests and constraints."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector, NodeSelectorTerm, Requirement
from pyscale.model.resources import Resources
from pyscale.model.taints import Toleration
from pyscale.model.topology import TopologySpreadConstraint

GPU = "nvidia.com/gpu"

APP_LABEL = "app"

_API_VERSIONS = {"Job": "batch/v1", "CronJob": "batch/v1"}


def make_template(
    requests: Resources,
    *,
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    controller: str = "ReplicaSet",
    node_selector: Mapping[str, str] | None = None,
    node_affinity: Sequence[Requirement] = (),
    tolerations: Sequence[Toleration] = (),
    spread: Sequence[TopologySpreadConstraint] = (),
    priority: int | None = None,
) -> PodTemplate:
    """Return the template of a pod with one container.

    Parameters
    ----------
    requests : mapping of str to int
        Nano-units; amounts of 0 are left out, as a manifest would.
    namespace, labels, node_selector, tolerations, spread, priority
        As in a manifest.
    controller : str
        Kind of the object that owns the pod, ``""`` for none.  Its name is the label ``app``, or
        a name made of the requests: Cluster Autoscaler removes no node that holds a pod without
        a controller, and traces hardly ever name one.
    node_affinity : sequence of Requirement
        Conditions on the node that must all hold.

    Returns
    -------
    PodTemplate
        Extended resources are limits too, as Kubernetes demands of them.
    """
    asked = {name: amount for name, amount in requests.items() if amount}
    limits = {name: amount for name, amount in asked.items() if "/" in name}
    terms = (NodeSelectorTerm(tuple(node_affinity)),) if node_affinity else None
    labels = dict(labels or {})
    owners: tuple[OwnerReference, ...] = ()
    if controller:
        name = labels.get(APP_LABEL) or f"shape-{_shape(asked):08x}"
        version = _API_VERSIONS.get(controller, "apps/v1")
        owners = (OwnerReference(controller, name, api_version=version, controller=True),)
    return PodTemplate(
        spec=PodSpec(
            containers=(Container(name="main", requests=asked, limits=limits),),
            node_selector=dict(node_selector or {}),
            required_node_affinity=terms,
            tolerations=tuple(tolerations),
            topology_spread_constraints=tuple(spread),
            priority=priority,
        ),
        namespace=namespace,
        labels=labels,
        owners=owners,
    )


def make_spread(
    key: str, max_skew: int, labels: Mapping[str, str], when: str = "DoNotSchedule"
) -> TopologySpreadConstraint:
    """Return a constraint that spreads the pods of equal labels over the values of a node label."""
    return TopologySpreadConstraint(max_skew, key, when, LabelSelector(dict(labels)))


def _shape(requests: Resources) -> int:
    return zlib.crc32(repr(sorted(requests.items())).encode())
