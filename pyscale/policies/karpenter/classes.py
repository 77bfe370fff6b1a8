"""Pod classes: pods that no rule of a round can tell apart, compiled to the kernel's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pyscale.model.content import content_key
from pyscale.model.nodes import HOSTNAME_LABEL
from pyscale.model.pods import Pod, PodSpec
from pyscale.model.resources import CPU, MEMORY

from .parity import VOLUME_LOOKUP
from .podspec import host_ports, pod_requests, pod_requirements
from .requirements import Requirements, from_labels, from_written, one_of
from .topology import GroupTerm, affinity_terms, inverse_terms, spread_terms
from .volumes import PodVolumes, Volumes

# Nothing defines this label.
_NOWHERE = Requirements((one_of("pyscale/volume-not-found", ("true",)),))


@dataclass(frozen=True, eq=False)
class PodForm:
    """A pod's spec at one stage of relaxation, with what the round reads of it."""

    spec: PodSpec
    namespace: str
    labels: Mapping[str, str]
    volumes: PodVolumes
    requests: Mapping[str, int]
    requirements: Requirements
    strict: Requirements
    own: tuple[GroupTerm, ...]
    inverse: tuple[GroupTerm, ...]

    @cached_property
    def label_key(self) -> Hashable:
        """What selectors read of the pod: its namespace and labels."""
        return self.namespace, frozenset(self.labels.items())

    @cached_property
    def size(self) -> tuple[int, int]:
        """What the queue orders by: the largest cpu first, then the largest memory."""
        return -self.requests.get(CPU, 0), -self.requests.get(MEMORY, 0)

    @cached_property
    def ports(self) -> tuple[tuple[str, int, str], ...]:
        """The host ports, sorted, so that equal sets are one."""
        return tuple(sorted(host_ports(self.spec)))

    @cached_property
    def topology_keys(self) -> frozenset[str]:
        """The topology keys of its terms but the hostname."""
        keys = {term.key for term in (*self.own, *self.inverse)}
        return frozenset(keys - {HOSTNAME_LABEL})

    @cached_property
    def written_values(self) -> dict[str, frozenset[str]]:
        """Every value that it names of a key, at any stage of relaxation."""
        spec = self.spec
        terms = [from_labels(spec.node_selector)]
        terms += [
            from_written(term.match_expressions) for term in spec.required_node_affinity or ()
        ]
        terms += [
            from_written(weighted.preference.match_expressions)
            for weighted in spec.preferred_node_affinity
        ]
        terms += [alternative for alternative in self.volumes.alternatives if alternative]
        values: dict[str, frozenset[str]] = {}
        for term in terms:
            for held in term:
                values[held.key] = values.get(held.key, frozenset()) | held.values
        return values


@dataclass
class FormTable:
    """Interns the forms of pods; equal pods share one number."""

    namespaces: Mapping[str, Mapping[str, str]]
    ignore_preferences: bool
    volumes: Volumes
    repaired: frozenset[str] = frozenset()
    forms: list[PodForm] = field(default_factory=list)
    _known: dict[Hashable, int] = field(default_factory=dict)
    _by_template: dict[int, tuple[object, int]] = field(default_factory=dict)
    _spec_keys: dict[int, tuple[PodSpec, Hashable]] = field(default_factory=dict)

    def of_pod(self, pod: Pod) -> int:
        """Return the number of the pod's form."""
        template = pod.template
        held = self._by_template.get(id(template))
        if held is not None:
            return held[1]
        volumes = self.volumes.of_pod(template.spec, template.namespace, pod.name)
        number = self.of(template.spec, template.namespace, template.labels, volumes)
        if not any(volume.kind == "ephemeral" for volume in template.spec.volumes):
            self._by_template[id(template)] = (template, number)
        return number

    def of(
        self, spec: PodSpec, namespace: str, labels: Mapping[str, str], volumes: PodVolumes
    ) -> int:
        """Return the number of a form, which is new if it has not been seen."""
        identity = (namespace, frozenset(labels.items()), volumes, self._spec_key(spec))
        known = self._known.get(identity)
        if known is None:
            known = self._known[identity] = len(self.forms)
            self.forms.append(self._compile(spec, namespace, labels, volumes))
        return known

    def _spec_key(self, spec: PodSpec) -> Hashable:
        held = self._spec_keys.get(id(spec))
        if held is None:
            # The spec is kept, so that its id is not given to another one.
            held = self._spec_keys[id(spec)] = (spec, content_key(spec))
        return held[1]

    def _compile(
        self, spec: PodSpec, namespace: str, labels: Mapping[str, str], volumes: PodVolumes
    ) -> PodForm:
        strict = pod_requirements(spec, strict=True)
        own: list[GroupTerm] = []
        if volumes.unknown and VOLUME_LOOKUP in self.repaired:
            volumes = replace(volumes, alternatives=(_NOWHERE,))
        if not volumes.unknown:
            own = spread_terms(spec, namespace, labels, self.ignore_preferences, self.repaired)
            own += affinity_terms(spec, namespace, self.namespaces, self.ignore_preferences)
        return PodForm(
            spec,
            namespace,
            labels,
            volumes,
            pod_requests(spec),
            strict if self.ignore_preferences else pod_requirements(spec, strict=False),
            strict,
            tuple(own),
            tuple(inverse_terms(spec, namespace, self.namespaces)),
        )
