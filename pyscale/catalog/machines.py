"""The machines of a catalogue as columns: what fits, where it is sold, and for how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import Catalog
from pyscale.model.requirements import Requirement
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS

from .matching import is_met, stable_key, type_labels

STANDARD_RESOURCES = frozenset((CPU, MEMORY, EPHEMERAL_STORAGE, PODS))
NO_LIMIT = np.iinfo(np.int64).max


class Machines:
    """Columns over the types of a catalogue that run Linux and are for sale.

    Parameters
    ----------
    catalog : Catalog
        Only available offerings count.
    zones : sequence of str
        The zones to use; none means the three that sell the most types, ties by name.
    reserve : Mapping[str, int], optional
        Nano-units that DaemonSets take on every node.
    """

    def __init__(
        self,
        catalog: Catalog,
        zones: Sequence[str] = (),
        reserve: Mapping[str, int] | None = None,
    ) -> None:
        self.catalog = catalog
        self.zones = _zones(catalog, zones)
        self.types = tuple(
            kind
            for kind in catalog.instance_types
            if "linux" in kind.os
            and any(o.available and o.zone in self.zones for o in kind.offerings)
        )
        self.labels = tuple(type_labels(kind) for kind in self.types)
        self.label_keys = frozenset(key for labels in self.labels for key in labels) | frozenset(
            key for kind in self.types for key in kind.labels
        )
        self.reserve = dict(reserve or {})
        self._allocatable = [kind.allocatable() for kind in self.types]
        self._columns: dict[str, NDArray[np.int64]] = {}
        self._masks: dict[Requirement, NDArray[np.bool_]] = {}
        self._without: dict[frozenset[str], NDArray[np.bool_]] = {}
        self._prices: dict[str, NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return len(self.types)

    @cached_property
    def cores(self) -> NDArray[np.int64]:
        """Whole cores of each type, at least 1."""
        cores = [max(1, kind.capacity.get(CPU, 0) // NANO) for kind in self.types]
        return np.array(cores, dtype=np.int64)

    @cached_property
    def devices(self) -> tuple[frozenset[str], ...]:
        """Resources of each type beyond those that every machine has; network devices aside."""
        return tuple(
            frozenset(
                name
                for name, amount in kind.capacity.items()
                if amount and name not in STANDARD_RESOURCES and not name.endswith("/efa")
            )
            for kind in self.types
        )

    def fit(self, request: Mapping[str, int]) -> NDArray[np.int64]:
        """Return how many pods of a request (nano-units) an empty machine of each type holds."""
        fit = np.full(len(self), NO_LIMIT, dtype=np.int64)
        for name, amount in {**request, PODS: NANO}.items():
            need = -(-amount // _unit(name))
            if need > 0:
                np.minimum(fit, self._column(name) // need, out=fit)
        return fit

    def mask(self, requirement: Requirement) -> NDArray[np.bool_]:
        """Return which types meet a requirement on a label of the type."""
        found = self._masks.get(requirement)
        if found is None:
            key = stable_key(requirement.key)
            values = [is_met(requirement, labels.get(key)) for labels in self.labels]
            found = self._masks[requirement] = np.array(values, dtype=np.bool_)
        return found

    def without_other_devices(self, devices: frozenset[str]) -> NDArray[np.bool_]:
        """Return which types have no devices but these."""
        found = self._without.get(devices)
        if found is None:
            found = np.array([its <= devices for its in self.devices], dtype=np.bool_)
            self._without[devices] = found
        return found

    def prices(self, capacity_type: str) -> NDArray[np.float64]:
        """Return US dollars per hour by (type, zone), infinite where it cannot be bought."""
        found = self._prices.get(capacity_type)
        if found is None:
            found = np.full((len(self), len(self.zones)), np.inf)
            column = {zone: i for i, zone in enumerate(self.zones)}
            for row, kind in enumerate(self.types):
                for offering in kind.offerings:
                    is_right = offering.available and offering.capacity_type == capacity_type
                    if is_right and offering.zone in column:
                        found[row, column[offering.zone]] = offering.price
            self._prices[capacity_type] = found
        return found

    def _column(self, name: str) -> NDArray[np.int64]:
        found = self._columns.get(name)
        if found is None:
            kept = self.reserve.get(name, 0)
            unit = _unit(name)
            amounts = [max(0, a.get(name, 0) - kept) // unit for a in self._allocatable]
            found = self._columns[name] = np.array(amounts, dtype=np.int64)
        return found


def _unit(resource: str) -> int:
    # Millicores; bytes and counts of everything else.
    return NANO // 1000 if resource == CPU else NANO


def _zones(catalog: Catalog, zones: Sequence[str]) -> tuple[str, ...]:
    for zone in zones:
        catalog.check_zone(zone)
    return tuple(sorted(set(zones or _best_zones(catalog)[:3])))


def _best_zones(catalog: Catalog) -> Sequence[str]:
    sold: dict[str, set[str]] = {zone: set() for zone in catalog.zones}
    for kind in catalog.instance_types:
        for offering in kind.offerings:
            if offering.available:
                sold[offering.zone].add(kind.name)
    return sorted(sold, key=lambda zone: (-len(sold[zone]), zone))
