"""A catalogue of one's own: a table with one row per offering."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from pyscale.errors import InvalidObjectError, TraceError
from pyscale.model.catalog import (
    ON_DEMAND,
    RESERVED,
    SPOT,
    Catalog,
    InstanceType,
    Offering,
    Overhead,
    nearest,
)
from pyscale.model.quantity import parse_quantity
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS

from .rows import number_rows, read_rows

_GPU = "nvidia.com/gpu"
_CAPACITY_TYPES = (ON_DEMAND, SPOT, RESERVED)
_ARCHITECTURES = ("amd64", "arm64")
_COLUMNS = (
    "name",
    "cpu",
    "memory",
    "architecture",
    "os",
    "pods",
    "ephemeral_storage",
    "gpu",
    "reserved_cpu",
    "reserved_memory",
    "zone",
    "capacity_type",
    "price",
    "available",
    "reservation_id",
    "reservation_capacity",
    "labels",
    "resources",
)
_LABEL = "label:"
_RESOURCE = "resource:"


def custom(source: str | os.PathLike[str] | Iterable[Mapping[str, Any]], name: str = "") -> Catalog:
    """Read a catalogue from a table with one row per offering.

    Parameters
    ----------
    source : path or iterable of mappings
        CSV, JSON, YAML or Parquet by suffix (the texts optionally with ``.gz``), or the rows.
    name : str, optional
        The catalogue's name; by default the file's.

    Returns
    -------
    Catalog
        Types in order of their first row, offerings in order of row.

    Raises
    ------
    TraceError
        If the table cannot be read, a field is missing or wrong, two rows describe one type
        differently, or an offering occurs twice; names file, row and field.
    MissingDependencyError
        If the file's format needs a library that is not installed.

    Notes
    -----
    Columns, of which the first three and ``zone`` are needed:

    ``name``, ``cpu``, ``memory``
        The type, its cores and its memory, as Kubernetes quantities (``4``, ``3500m``, ``16Gi``).
    ``zone``, ``capacity_type``, ``price``
        Where, how (``on-demand``, ``spot``, ``reserved``; default on-demand), and for how many US
        dollars per hour.  Only an offering with ``available`` false, which is known but can't be
        bought, may go without a price.
    ``architecture``, ``os``
        ``amd64`` (default) or ``arm64``; ``linux`` by default, several separated by ``|``.
    ``pods``, ``ephemeral_storage``, ``gpu``
        Pods at most (default 110), node storage (default 20Gi), ``nvidia.com/gpu`` (default 0).
    ``reserved_cpu``, ``reserved_memory``
        What the machine keeps for itself (default 0).
    ``available``, ``reservation_id``, ``reservation_capacity``
        ``true`` (default) or ``false``; of a reserved offering, its id and number of machines.
    ``label:KEY``, ``resource:NAME``
        Further labels (several possible values separated by ``|``) and further capacity.  JSON
        and YAML may instead have mappings ``labels`` and ``resources``.

    Examples
    --------
    >>> from pyscale.catalog import custom
    >>> row = {"name": "big", "cpu": "8", "memory": "32Gi", "zone": "a", "price": "0.4"}
    >>> custom([row]).by_name["big"].offerings[0].price
    0.4
    """
    if isinstance(source, (str, os.PathLike)):
        file = os.fspath(source)
        rows = read_rows(source, key="offerings")
    else:
        file = "rows"
        rows = number_rows(source)
    types: dict[str, tuple[int, InstanceType]] = {}
    offerings: dict[str, dict[tuple[str, str, str], Offering]] = {}
    for number, fields in rows:
        row = _Row(file, number, fields)
        row.check_columns()
        kind = row.instance_type()
        first, known = types.setdefault(kind.name, (number, kind))
        if known != kind:
            part = next(p for p in _PARTS if getattr(known, p) != getattr(kind, p))
            raise TraceError(file, f"{kind.name} has another {part} in row {first}", number)
        offering = row.offering()
        offer = (offering.zone, offering.capacity_type, offering.reservation_id)
        if offer in offerings.setdefault(kind.name, {}):
            problem = f"{kind.name} has two {offering.capacity_type} offerings in {offering.zone}"
            raise TraceError(file, problem, number)
        offerings[kind.name][offer] = offering
    keys = {key for _, kind in types.values() for key in kind.labels}
    return Catalog(
        name=name or file,
        instance_types=tuple(
            # A label that only some types have is one that the others never carry.
            replace(
                kind,
                labels={**dict.fromkeys(sorted(keys), ()), **kind.labels},
                offerings=tuple(offerings[kind.name].values()),
            )
            for _, kind in types.values()
        ),
        well_known_labels=frozenset(keys),
        source=file,
    )


_PARTS = ("architecture", "os", "capacity", "overhead", "labels")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table, with what an error message needs."""

    file: str
    number: int
    fields: Mapping[str, Any]

    def check_columns(self) -> None:
        for column in self.fields:
            if column not in _COLUMNS and not column.startswith((_LABEL, _RESOURCE)):
                self.refuse(column, f"unknown column{nearest(column, _COLUMNS)}")

    def refuse(self, column: str, problem: str) -> NoReturn:
        raise TraceError(self.file, problem, self.number, column)

    def instance_type(self) -> InstanceType:
        capacity = {
            CPU: self.quantity("cpu", least=1),
            MEMORY: self.quantity("memory", least=1),
            PODS: self.count("pods", 110, least=1) * NANO,
            EPHEMERAL_STORAGE: self.quantity("ephemeral_storage", "20Gi"),
            **self.resources(),
        }
        reserved = {
            CPU: self.quantity("reserved_cpu", "0"),
            MEMORY: self.quantity("reserved_memory", "0"),
        }
        for resource, amount in reserved.items():
            if amount >= capacity[resource]:
                self.refuse(f"reserved_{resource}", "leaves nothing of the machine")
        return InstanceType(
            name=self.text("name"),
            architecture=self.one_of("architecture", _ARCHITECTURES),
            os=tuple(part.strip() for part in self.text("os", "linux").split("|")),
            capacity=capacity,
            overhead=Overhead({name: amount for name, amount in reserved.items() if amount}),
            labels=self.labels(),
        )

    def offering(self) -> Offering:
        name = self.text("name")
        if self.value("zone") is None:
            self.refuse("zone", f"{name} has no offering: the field is missing")
        zone = self.text("zone")
        capacity_type = self.one_of("capacity_type", _CAPACITY_TYPES)
        available = self.boolean("available", True)
        price = self.price()
        if price is None and available:
            problem = f"the {capacity_type} offering of {name} in {zone} has none"
            self.refuse("price", f"{problem}; one that can't be bought says available: false")
        return Offering(
            zone=zone,
            capacity_type=capacity_type,
            price=0.0 if price is None else price,
            available=available,
            reservation_id=self.text("reservation_id", ""),
            reservation_capacity=self.count("reservation_capacity", 0),
        )

    def value(self, column: str) -> Any:
        # An empty field of a CSV table and a null are both "not given".
        value = self.fields.get(column)
        return None if value == "" else value

    def text(self, column: str, default: str | None = None) -> str:
        value = self.value(column)
        if value is None:
            value = default
        if value is None:
            self.refuse(column, "the field is missing")
        if not isinstance(value, str):
            self.refuse(column, f"expected text, found {value!r}")
        return value

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        value = self.text(column, allowed[0])
        if value not in allowed:
            self.refuse(column, f"expected one of {', '.join(allowed)}, found {value!r}")
        return value

    def boolean(self, column: str, default: bool) -> bool:
        value = self.value(column)
        if value is None:
            return default
        word = str(value).lower()
        if word not in ("true", "false"):
            self.refuse(column, f"expected true or false, found {value!r}")
        return word == "true"

    def quantity(self, column: str, default: str | None = None, least: int = 0) -> int:
        value = self.value(column)
        if value is None:
            value = self.text(column, default)
        return self.parse(column, value, least)

    def parse(self, column: str, value: object, least: int = 0) -> int:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            self.refuse(column, f"expected a quantity, found {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(column, f"expected a quantity, found {value!r}")
        try:
            amount = parse_quantity(value)
        except InvalidObjectError as error:
            self.refuse(column, error.problem)
        if amount < least:
            bound = "> 0" if least else ">= 0"
            self.refuse(column, f"expected a quantity {bound}, found {value!r}")
        return amount

    def count(self, column: str, default: int, least: int = 0) -> int:
        value = self.value(column)
        if value is None:
            return default
        try:
            number = int(value) if isinstance(value, (str, int)) else -1
        except ValueError:
            number = -1
        if number < least or isinstance(value, bool):
            self.refuse(column, f"expected a whole number >= {least}, found {value!r}")
        return number

    def price(self) -> float | None:
        value = self.value("price")
        if value is None:
            return None
        try:
            price = float(value)
        except (TypeError, ValueError, OverflowError):
            price = math.nan
        if not 0 <= price < 1e6 or isinstance(value, bool):
            self.refuse("price", f"expected US dollars per hour >= 0, found {value!r}")
        return price

    def resources(self) -> dict[str, int]:
        found = {}
        gpus = self.count("gpu", 0)
        if gpus:
            found[_GPU] = gpus * NANO
        for column, name, value in self.extras("resources", _RESOURCE):
            amount = self.parse(column, value)
            if amount:
                found[name] = amount
        return found

    def labels(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for column, key, value in self.extras("labels", _LABEL):
            values = value if isinstance(value, list) else str(value).split("|")
            if not values or not all(isinstance(v, (str, int)) for v in values):
                self.refuse(column, f"expected label values, found {value!r}")
            found[key] = tuple(str(v).strip() for v in values)
        return dict(sorted(found.items()))

    def extras(self, column: str, prefix: str) -> list[tuple[str, str, Any]]:
        """Return (column, name, value) of columns with a prefix and of a mapping column."""
        mapping = self.value(column) or {}
        if not isinstance(mapping, Mapping):
            self.refuse(column, f"expected a mapping, found {mapping!r}")
        found = [(column, str(name), value) for name, value in mapping.items()]
        for field in self.fields:
            if field.startswith(prefix):
                found.append((field, field.removeprefix(prefix), self.value(field)))
        for field, name, _ in found:
            if not name:
                self.refuse(field, "expected a name, found none")
        return [(field, name, value) for field, name, value in found if value is not None]
