"""The file of a SimKube trace: decoded and checked, nothing interpreted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyscale.errors import MissingDependencyError, TraceError

from .files import PathLike, read_bytes

VERSION = 2

_MOST_SECONDS = 1 << 32  # the year 2106


@dataclass(frozen=True, slots=True)
class Event:
    """Objects applied and deleted at one time, in Unix seconds."""

    ts: int
    applied: tuple[Mapping[str, Any], ...]
    deleted: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SimKubeFile:
    """A decoded trace.

    Attributes
    ----------
    template_paths : mapping of str to tuple of str
        JSON pointers to the pod templates of each tracked kind, by ``group/version.Kind``.
    events : tuple of Event
        In the order of time.
    lifetimes : mapping of (str, str) to list of int or None
        Running time in seconds of the pods of each object, by kind and ``namespace/name``, in the
        order in which they were launched; None for a pod without an end.
    several_specs : int
        Objects whose pods had more than one spec: their lifetimes are joined.
    """

    template_paths: Mapping[str, tuple[str, ...]]
    events: tuple[Event, ...]
    lifetimes: Mapping[tuple[str, str], tuple[int | None, ...]]
    several_specs: int


def decode_file(path: PathLike) -> SimKubeFile:
    """Read a SimKube trace.

    Raises
    ------
    TraceError
        If the file is no MessagePack map of version 2, or time goes backwards.
    """
    try:
        import msgspec
    except ImportError:
        raise MissingDependencyError("msgspec", "io") from None
    name = os.fspath(path)
    try:
        document = msgspec.msgpack.decode(read_bytes(path))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise TraceError(name, f"is not MessagePack: {error}") from None
    if not isinstance(document, dict) or "events" not in document:
        raise TraceError(name, "expected a SimKube trace, found another MessagePack document")
    version = document.get("version")
    if version != VERSION:
        raise TraceError(name, f"expected version {VERSION}, found {version!r}", field="version")
    lifetimes, several = _lifetimes(name, document.get("pod_lifecycles") or {})
    return SimKubeFile(
        _template_paths(name, document.get("config") or {}),
        _events(name, document["events"]),
        lifetimes,
        several,
    )


def kind_of(content: Mapping[str, Any]) -> str:
    """Return ``group/version.Kind`` of an object."""
    return f"{content.get('apiVersion', '')}.{content.get('kind', '')}"


def _expect(name: str, value: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(value, kind):
        problem = f"expected a {kind.__name__}, found {type(value).__name__}"
        raise TraceError(name, problem, field=where)
    return value


def _template_paths(name: str, config: Any) -> dict[str, tuple[str, ...]]:
    tracked = _expect(name, config, dict, "config").get("trackedObjects") or {}
    paths: dict[str, tuple[str, ...]] = {}
    for kind, options in _expect(name, tracked, dict, "config.trackedObjects").items():
        where = f"config.trackedObjects.{kind}"
        found = _expect(name, options or {}, dict, where).get("podSpecTemplatePaths") or []
        paths[str(kind)] = tuple(map(str, _expect(name, found, list, where)))
    return paths


def _events(name: str, given: Any) -> tuple[Event, ...]:
    events: list[Event] = []
    for index, event in enumerate(_expect(name, given, list, "events")):
        where = f"events[{index}]"
        ts = _expect(name, event, dict, where).get("ts")
        if not isinstance(ts, int) or isinstance(ts, bool) or not 0 <= ts < _MOST_SECONDS:
            raise TraceError(name, f"expected Unix seconds, found {ts!r}", field=f"{where}.ts")
        if events and ts < events[-1].ts:
            problem = f"time goes backwards: {ts} after {events[-1].ts}"
            raise TraceError(name, problem, field=f"{where}.ts")
        lists = []
        for key in ("applied_objs", "deleted_objs"):
            objects = _expect(name, event.get(key) or [], list, f"{where}.{key}")
            lists.append(tuple(_expect(name, entry, dict, f"{where}.{key}") for entry in objects))
        events.append(Event(ts, *lists))
    return tuple(events)


def _lifetimes(name: str, given: Any) -> tuple[dict[tuple[str, str], tuple[int | None, ...]], int]:
    lifetimes: dict[tuple[str, str], tuple[int | None, ...]] = {}
    several = 0
    for key, by_spec in _expect(name, given, dict, "pod_lifecycles").items():
        if not isinstance(key, tuple | list) or len(key) != 2:
            problem = f"expected a pair of kind and name, found {key!r}"
            raise TraceError(name, problem, field="pod_lifecycles")
        where = f"pod_lifecycles.{key[0]} {key[1]}"
        found: list[int | None] = []
        for cycles in _expect(name, by_spec, dict, where).values():
            found += [_lifetime(name, where, one) for one in _expect(name, cycles, list, where)]
        several += len(by_spec) > 1
        lifetimes[str(key[0]), str(key[1])] = tuple(found)
    return lifetimes, several


def _lifetime(name: str, where: str, cycle: Any) -> int | None:
    if cycle == "Empty" or (isinstance(cycle, dict) and list(cycle) == ["Running"]):
        return None
    if isinstance(cycle, dict) and list(cycle) == ["Finished"]:
        times = cycle["Finished"]
        if (
            isinstance(times, list | tuple)
            and len(times) == 2
            and all(isinstance(time, int) and 0 <= time < _MOST_SECONDS for time in times)
        ):
            if times[1] < times[0]:
                problem = f"time goes backwards: {times[1]} after {times[0]}"
                raise TraceError(name, problem, field=where)
            return int(times[1] - times[0])
    problem = f"expected Empty, Running or Finished with two times, found {str(cycle)[:40]!r}"
    raise TraceError(name, problem, field=where)
