"""Policies and schedulers by name, built-in and from other packages, loaded when asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pyscale.errors import InvalidObjectError

from .base import Policy, Scheduler

GROUP = "pyscale.policies"
"""The entry-point group: name = "package.module:Class"."""

BUILT_IN = {
    "cluster-autoscaler": "pyscale.policies.cluster_autoscaler:ClusterAutoscaler",
    "karpenter": "pyscale.policies.karpenter:Karpenter",
    "kube-scheduler": "pyscale.policies.kube_scheduler:KubeScheduler",
}
ALIASES = {"ca": "cluster-autoscaler"}
DEFAULT_SCHEDULER = "kube-scheduler"


def policy_names() -> tuple[str, ...]:
    """Return all names that :func:`find_policy` knows, sorted; loads no policy."""
    return tuple(sorted({*BUILT_IN, *ALIASES, *_others()}))


def find_policy(name: str) -> Any:
    """Return the class of a policy or scheduler by its name.

    Parameters
    ----------
    name : str
        A built-in name, an alias, or one that an installed package registered under the
        entry-point group ``pyscale.policies``.  Built-in names win.

    Raises
    ------
    InvalidObjectError
        If nobody has the name, or what the package registered can't be loaded.
    """
    full = ALIASES.get(name, name)
    if full in BUILT_IN:
        module, attribute = BUILT_IN[full].split(":")
        return getattr(import_module(module), attribute)
    other = _others().get(full)
    if other is None:
        from pyscale.model.catalog import nearest

        known = policy_names()
        hint = nearest(name, known) or f": expected one of {', '.join(known)}"
        problem = f"unknown policy{hint}"
        raise InvalidObjectError(f"policy {name!r}", problem)
    try:
        return other.load()
    except (ImportError, AttributeError) as error:
        raise InvalidObjectError(
            f"policy {name!r}", f"cannot load {other.value}: {error}"
        ) from error


def resolve_policy(policy: Policy | str) -> Policy:
    """Return the policy, made with its default options where it is given by name.

    Raises
    ------
    InvalidObjectError
        If nobody has the name.
    TypeError
        If it is no policy.
    """
    found = find_policy(policy)() if isinstance(policy, str) else policy
    if not isinstance(found, Policy):
        raise TypeError(f"expected a policy or its name, found {policy!r:.80}")
    return found


def resolve_scheduler(scheduler: Scheduler | str | None) -> Scheduler:
    """Return the scheduler, made with its default options where it is given by name.

    Raises
    ------
    InvalidObjectError
        If nobody has the name.
    TypeError
        If it is no scheduler.
    """
    name = DEFAULT_SCHEDULER if scheduler is None else scheduler
    found = find_policy(name)() if isinstance(name, str) else name
    if not isinstance(found, Scheduler):
        raise TypeError(f"expected a scheduler or its name, found {scheduler!r:.80}")
    return found


def _others() -> dict[str, EntryPoint]:
    # Of two packages with one name the first by (value) wins, whatever the order on the disk.
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        found.setdefault(entry.name, entry)
    return found
