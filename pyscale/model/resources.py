"""Resource lists as Kubernetes objects carry them.

A resource list maps a resource's name to an exact amount in **nano-units** (1 core is ``10**9``,
1 byte is ``10**9``, 1 pod is ``10**9``), the finest amount a Kubernetes quantity can hold.  Tables
and kernels use the coarser integers of a :class:`~pyscale.model.resource_space.ResourceSpace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Resources: TypeAlias = Mapping[str, int]
"""Name of the resource -> exact amount in nano-units."""

NANO = 1_000_000_000

CPU = "cpu"
MEMORY = "memory"
EPHEMERAL_STORAGE = "ephemeral-storage"
PODS = "pods"
