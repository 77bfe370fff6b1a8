"""SimKube traces: objects applied to and deleted from a cluster, with their pods' lifetimes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyscale.errors import TraceError, UnsupportedError
from pyscale.model.pods import PodTemplate

from .assemble import UNKNOWN, assemble
from .files import PathLike
from .object_rows import ObjectRows, object_faults
from .simkube_file import SimKubeFile, decode_file, kind_of
from .trace import Trace
from .units import SECOND_NS

FORMAT = "simkube"

_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController")


@dataclass(slots=True)
class _Group:
    """Replicas that were launched together and still run."""

    arrival_ns: int
    count: int
    lifetime_s: int | None


@dataclass(slots=True)
class _Tracked:
    """An object with its pods as of now."""

    template: PodTemplate
    count: int
    cron: str = ""
    since_ns: int = 0
    groups: list[_Group] = field(default_factory=list)
    launched: int = 0


def read_simkube(path: PathLike, *, validate: bool = True) -> Trace:
    """Read a SimKube trace, file version 2.

    Parameters
    ----------
    path : str or path
    validate : bool
        Whether to refuse what an API server would refuse.

    Returns
    -------
    Trace
        Time 0 is the first event; owners are the tracked objects.

    Raises
    ------
    TraceError
        For an unreadable file or object.
    UnsupportedError
        For a CronJob in a time zone of its own.

    Notes
    -----
    An object that is applied again is an update: more replicas arrive, or the youngest leave; with
    another pod template all pods are replaced at once.  The n-th pod of an object takes the n-th
    of its recorded lifetimes, which are used in turn; it leaves earlier when its object does.
    A CronJob launches its pods by its schedule from when it is applied until it is deleted, or
    until the last event.
    """
    file = decode_file(path)
    replay = _Replay(path, file, validate)
    with object_faults(path):
        for event in file.events:
            now = (event.ts - replay.origin_s) * SECOND_NS
            for content in event.applied:
                replay.apply(content, now)
            for content in event.deleted:
                replay.delete(content, now)
        replay.finish()
    rows = replay.rows
    if file.several_specs:
        rows.adjust("objects whose pods had several specs, lifetimes joined", file.several_specs)
    return assemble(
        path,
        rows.rows(sum(len(event.applied) + len(event.deleted) for event in file.events)),
        {
            "format": FORMAT,
            "origin_unix_ns": replay.origin_s * SECOND_NS,
            "times": "creation; durations from recorded lifetimes where there are any",
        },
    )


class _Replay:
    """Applies events and collects the pods they make."""

    def __init__(self, path: PathLike, file: SimKubeFile, validate: bool) -> None:
        self.path = os.fspath(path)
        self.file = file
        self.validate = validate
        self.rows = ObjectRows()
        self.origin_s = file.events[0].ts if file.events else 0
        self.end_ns = (file.events[-1].ts - self.origin_s) * SECOND_NS if file.events else 0
        self.tracked: dict[tuple[str, str], _Tracked] = {}

    def apply(self, content: Mapping[str, Any], now: int) -> None:
        """Create or update an object."""
        key = self._key(content)
        new = self._read(content)
        old = self.tracked.get(key)
        if old is None or old.cron or new.cron:
            if old is not None:
                self.delete(content, now)
            new.since_ns = now
            self.tracked[key] = new
            if not new.cron:
                self._launch(key, new, new.count, now)
            return
        if new.template != old.template:
            self._leave(key, old, sum(group.count for group in old.groups), now)
            old.template = new.template
            self._launch(key, old, new.count, now)
        elif new.count > old.count:
            self._launch(key, old, new.count - old.count, now)
        else:
            self._leave(key, old, old.count - new.count, now)
        old.count = new.count

    def delete(self, content: Mapping[str, Any], now: int) -> None:
        """Delete an object and its pods."""
        key = self._key(content)
        old = self.tracked.pop(key, None)
        if old is None:
            self.rows.drop("the deletion of an object that was not there")
        elif old.cron:
            self._run(key, old, now)
        else:
            self._leave(key, old, sum(group.count for group in old.groups), now)

    def finish(self) -> None:
        """Write down what is still there at the end."""
        for key, entry in self.tracked.items():
            if entry.cron:
                self._run(key, entry, self.end_ns)
            else:
                for group in entry.groups:
                    self._add(key, entry, group, UNKNOWN, group.count)

    def _key(self, content: Mapping[str, Any]) -> tuple[str, str]:
        metadata = content.get("metadata") or {}
        if not isinstance(metadata, Mapping) or not metadata.get("name"):
            raise TraceError(self.path, f"a {kind_of(content)} without name", field="metadata.name")
        return kind_of(content), f"{metadata.get('namespace') or 'default'}/{metadata['name']}"

    def _read(self, content: Mapping[str, Any]) -> _Tracked:
        from pyscale.manifests import pod_from_dict, pod_template_from_dict, workload_from_dict

        kind = str(content.get("kind"))
        if kind == "Pod":
            return _Tracked(pod_from_dict(content, validate=self.validate).template, 1)
        if kind in _WORKLOADS or kind == "CronJob":
            workload = workload_from_dict(content, validate=self.validate)
            count = 0 if workload.suspended else workload.count or 0
            schedule = workload.schedule if kind == "CronJob" else ""
            spec = content.get("spec") or {}
            if schedule and spec.get("timeZone") not in (None, "", "UTC", "Etc/UTC"):
                feature = f"the time zone {spec['timeZone']} of a CronJob"
                raise UnsupportedError(feature, f"{self.path}: {workload.key}")
            return _Tracked(workload.template, count, schedule)
        paths = self.file.template_paths.get(kind_of(content)) or ()
        if len(paths) != 1:
            problem = f"expected one path to the pod template of a {kind}, found {len(paths)}"
            raise TraceError(self.path, problem, field="config.trackedObjects")
        raw = _resolve(content, paths[0])
        if raw is None:
            problem = f"a {kind} has nothing at {paths[0]}"
            raise TraceError(self.path, problem, field="config.trackedObjects")
        template = pod_template_from_dict(raw, where=kind, validate=self.validate)
        replicas = (content.get("spec") or {}).get("replicas", 1)
        if not isinstance(replicas, int) or replicas < 0:
            problem = f"expected a number of replicas, found {replicas!r}"
            raise TraceError(self.path, problem, field=f"{kind}.spec.replicas")
        return _Tracked(template, replicas)

    def _lifetimes(self, key: tuple[str, str]) -> Sequence[int | None]:
        return self.file.lifetimes.get(key) or (None,)

    def _launch(self, key: tuple[str, str], entry: _Tracked, number: int, now: int) -> None:
        lifetimes = self._lifetimes(key)
        if len(set(lifetimes)) == 1:
            if number:
                entry.groups.append(_Group(now, number, lifetimes[0]))
        else:
            for index in range(number):
                lifetime = lifetimes[(entry.launched + index) % len(lifetimes)]
                entry.groups.append(_Group(now, 1, lifetime))
        entry.launched += number

    def _leave(self, key: tuple[str, str], entry: _Tracked, number: int, now: int) -> None:
        """Let the youngest pods leave."""
        while number > 0 and entry.groups:
            group = entry.groups[-1]
            leaving = min(group.count, number)
            self._add(key, entry, group, now, leaving)
            group.count -= leaving
            number -= leaving
            if not group.count:
                entry.groups.pop()

    def _add(
        self, key: tuple[str, str], entry: _Tracked, group: _Group, left_ns: int, count: int
    ) -> None:
        end = left_ns
        if group.lifetime_s is not None:
            own = group.arrival_ns + group.lifetime_s * SECOND_NS
            end = own if left_ns == UNKNOWN else min(own, left_ns)
        name = f"{key[1]}-{len(self.rows)}"
        arrival = group.arrival_ns
        self.rows.add(entry.template, name, arrival, end_ns=end, count=count, owner=key[1])

    def _run(self, key: tuple[str, str], entry: _Tracked, until_ns: int) -> None:
        """Write down the runs of a CronJob from when it was applied."""
        from .cron import cron_times

        lifetimes = self._lifetimes(key)
        origin_ns = self.origin_s * SECOND_NS
        for time in cron_times(entry.cron, origin_ns + entry.since_ns, origin_ns + until_ns):
            for _ in range(entry.count):
                lifetime = lifetimes[entry.launched % len(lifetimes)]
                entry.launched += 1
                self._add(key, entry, _Group(time - origin_ns, 1, lifetime), UNKNOWN, 1)


def _resolve(content: Any, pointer: str) -> Any:
    """Return what a JSON pointer points at, None for nothing."""
    for part in pointer.split("/")[1:]:
        if not isinstance(content, Mapping):
            return None
        content = content.get(part.replace("~1", "/").replace("~0", "~"))
    return content
