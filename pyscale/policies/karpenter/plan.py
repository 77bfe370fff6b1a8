"""One provisioning decision on a cluster, with its reasons: a dry run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyscale.model.catalog import Catalog
from pyscale.model.groups import NodePool
from pyscale.model.pods import Pod, PodCondition
from pyscale.model.words import plural

from .batch import is_provisionable
from .explain import explain
from .result import Claim
from .solver import Solver
from .state import ClusterObjects, DaemonSet, Settings
from .state_nodes import join_nodes
from .template_drift import NotedHashes
from .volumes import Volumes

_SHOWN = 3
_UNSCHEDULABLE = PodCondition("PodScheduled", "False", "Unschedulable")


@dataclass(frozen=True)
class PlannedClaim:
    """A NodeClaim that would be created.

    ``instance_types`` are in price order; prices are those of the cheapest and the dearest of
    them, each at its cheapest offering, in US dollars per hour.
    """

    pool: str
    pods: tuple[str, ...]
    instance_types: tuple[str, ...]
    requirements: tuple[Mapping[str, Any], ...]
    requests: Mapping[str, int]
    lowest_price: float
    highest_price: float


@dataclass(frozen=True)
class Plan:
    """What a provisioning round would do.

    Attributes
    ----------
    claims : tuple of PlannedClaim
    existing : mapping of str to tuple of str
        Node -> pods that fit there.
    unplaced : mapping of str to tuple of (str, str)
        Pod -> (NodePool, why it can't make a node for the pod).
    ignored : mapping of str to str
        Pod -> why provisioning does not look at it.
    """

    claims: tuple[PlannedClaim, ...]
    existing: Mapping[str, tuple[str, ...]]
    unplaced: Mapping[str, tuple[tuple[str, str], ...]]
    ignored: Mapping[str, str]

    @property
    def price(self) -> float:
        """Sum of the claims' lowest prices, in US dollars per hour."""
        return sum(claim.lowest_price for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {
            "claims": [dict(vars(claim)) for claim in self.claims],
            "existing": dict(self.existing),
            "unplaced": dict(self.unplaced),
            "ignored": dict(self.ignored),
        }

    def __str__(self) -> str:
        lines = []
        for claim in self.claims:
            types = shortened(claim.instance_types)
            prices = f"${claim.lowest_price:.4f} to ${claim.highest_price:.4f}"
            lines.append(
                f"new node of {claim.pool}: {types}, {prices} an hour, "
                f"for {plural(len(claim.pods), 'pod')}: {' '.join(claim.pods)}"
            )
        for node, pods in self.existing.items():
            lines.append(f"{node}: {plural(len(pods), 'pod')}: {' '.join(pods)}")
        for pod, reasons in self.unplaced.items():
            why = "; ".join(f"{pool}: {reason}" for pool, reason in reasons)
            lines.append(f"{pod} finds no place: {why or 'no NodePool can launch anything'}")
        lines.extend(f"{pod} is ignored: {reason}" for pod, reason in self.ignored.items())
        return "\n".join(lines) or "nothing to do"


def shortened(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    shown, more = ", ".join(names[:_SHOWN]), len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def objects_of(
    cluster: Any,
    pools: Sequence[NodePool],
    catalog: Catalog,
    pods: Iterable[Pod] = (),
    now_ns: int = 0,
) -> ClusterObjects:
    """Return what a decision reads of a cluster.

    Parameters
    ----------
    cluster : object or None
        Anything with some of the attributes of :class:`pyscale.manifests.ClusterObjects`.
    pools : sequence of NodePool
        Those of the cluster are used where this is empty.
    catalog : Catalog
        Types without an offering can't be launched and are left out.
    pods : iterable of Pod
        More pods that wait for a node, whatever their conditions say.
    now_ns : int
        The moment, in Unix time.
    """

    def of(name: str) -> tuple[Any, ...]:
        return tuple(getattr(cluster, name, None) or ())

    pools = tuple(pools) or of("node_pools")
    waiting = tuple(
        pod if is_provisionable(pod) else replace(pod, conditions=(_UNSCHEDULABLE,)) for pod in pods
    )
    everything = sorted((*of("pods"), *waiting), key=lambda pod: (pod.namespace, pod.name))
    sold = tuple(kind for kind in catalog.instance_types if kind.offerings)
    return ClusterObjects(
        node_pools=pools,
        catalog=replace(catalog, instance_types=sold),
        nodes=join_nodes(
            of("nodes"),
            of("node_claims"),
            of("csi_nodes"),
            NotedHashes(pools, of("node_classes")),
        ),
        pods=tuple(everything),
        daemon_sets=tuple(
            DaemonSet(workload.name, workload.template, workload.uid, workload.namespace)
            for workload in of("daemon_sets")
        ),
        namespaces={namespace.name: namespace.labels for namespace in of("namespaces")},
        volumes=Volumes.of(
            of("persistent_volume_claims"), of("persistent_volumes"), of("storage_classes")
        ),
        budgets=of("pod_disruption_budgets"),
        now_ns=now_ns,
    )


def provision(objects: ClusterObjects, settings: Settings | None = None) -> Plan:
    """Run one round and say what it would do, and why it leaves pods alone.

    Examples
    --------
    >>> from pyscale.catalog import kwok
    >>> from pyscale.model.pods import Container, Pod, PodSpec, PodTemplate
    >>> one_cpu = PodTemplate(PodSpec((Container(requests={"cpu": 10**9}),)))
    >>> objects = objects_of(None, [NodePool("default")], kwok(), [Pod("web", one_cpu)])
    >>> plan = provision(objects)
    >>> plan.claims[0].instance_types[0], len(plan.unplaced)
    ('c-2x-amd64-linux', 0)
    """
    solver = Solver(objects, settings)
    solution = solver.solve()
    batch = solution.batch
    return Plan(
        claims=tuple(planned_claim(claim, batch) for claim in solution.claims),
        existing={
            solver.nodes[node].name: tuple(sorted(batch[pod] for pod in pods))
            for node, pods in sorted(solution.placements.items())
        },
        unplaced={
            batch[pod]: tuple(explain(solver, solution, pod)) for pod in sorted(solution.errors)
        },
        ignored={key.removeprefix("default/"): why for key, why in solution.ignored.items()},
    )


def planned_claim(claim: Claim, batch: Sequence[str]) -> PlannedClaim:
    """Return a claim of a round over ``batch`` as a part of a plan."""
    found = claim.to_dict(batch)
    prices = claim.template.columns.prices(claim.final_requirements)
    dearest = max(prices[i] for i in claim.ordered_types[: len(claim.types)])
    return PlannedClaim(
        pool=claim.pool,
        pods=tuple(found["pods"]),
        instance_types=tuple(found["instanceTypes"]),
        requirements=tuple(found["requirements"]),
        requests=found["requests"],
        lowest_price=found["cheapestPrice"],
        highest_price=float(dearest),
    )
