"""Pod classes: pods that no rule of a round can tell apart, compiled to the kernel's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

from pyscale.model.content import content_key
from pyscale.model.pods import Pod, PodSpec

from .parity import VOLUME_LOOKUP
from .podspec import host_ports, pod_requests, pod_requirements
from .requirements import Requirements, one_of
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
        inverse: list[GroupTerm] = []
        if volumes.unknown and VOLUME_LOOKUP in self.repaired:
            volumes = replace(volumes, alternatives=(_NOWHERE,))
        if not volumes.unknown:
            own = spread_terms(spec, namespace, labels, self.ignore_preferences, self.repaired)
            own += affinity_terms(spec, namespace, self.namespaces, self.ignore_preferences)
            inverse = inverse_terms(spec, namespace, self.namespaces)
        return PodForm(
            spec,
            namespace,
            labels,
            volumes,
            pod_requests(spec),
            strict if self.ignore_preferences else pod_requirements(spec, strict=False),
            strict,
            tuple(own),
            tuple(inverse),
        )


def form_ports(form: PodForm) -> tuple[tuple[str, int, str], ...]:
    """Return the host ports of a form, sorted, so that equal sets are one."""
    return tuple(sorted(host_ports(form.spec)))
