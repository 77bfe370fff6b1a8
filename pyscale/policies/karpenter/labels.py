"""Label keys with a meaning for Karpenter: well-known, restricted, renamed."""

from __future__ import annotations

from pyscale.model.nodes import (
    ARCH_LABEL,
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    NODEPOOL_LABEL,
    OS_LABEL,
    REGION_LABEL,
    ZONE_LABEL,
)

REGISTERED_LABEL = "karpenter.sh/registered"
INITIALIZED_LABEL = "karpenter.sh/initialized"
WINDOWS_BUILD_LABEL = "node.kubernetes.io/windows-build"
TEST_RESERVATION_LABEL = "karpenter.test.sh/reservation-id"

#: Carried by every template so that DaemonSets that select on them count, never by a NodeClaim.
SIMULATION_ONLY = frozenset({REGISTERED_LABEL, INITIALIZED_LABEL})

#: The keys that every provider knows (Karpenter core ``pkg/apis/v1/labels.go``).
CORE_WELL_KNOWN = frozenset(
    {
        NODEPOOL_LABEL,
        ZONE_LABEL,
        REGION_LABEL,
        INSTANCE_TYPE_LABEL,
        ARCH_LABEL,
        OS_LABEL,
        CAPACITY_TYPE_LABEL,
        WINDOWS_BUILD_LABEL,
    }
)

RESTRICTED_DOMAINS = ("karpenter.sh", "karpenter.kwok.sh")

_RENAMED = {
    "failure-domain.beta.kubernetes.io/zone": ZONE_LABEL,
    "failure-domain.beta.kubernetes.io/region": REGION_LABEL,
    "beta.kubernetes.io/arch": ARCH_LABEL,
    "beta.kubernetes.io/os": OS_LABEL,
    "beta.kubernetes.io/instance-type": INSTANCE_TYPE_LABEL,
}


def normalize_key(key: str) -> str:
    """Return today's name of a label key that had another one in beta."""
    return _RENAMED.get(key, key)


def is_restricted(
    key: str, well_known: frozenset[str], domains: tuple[str, ...] = RESTRICTED_DOMAINS
) -> bool:
    """Say whether pods and pools may not use the (normalised) key.

    Notes
    -----
    Follows Karpenter core ``pkg/apis/v1/labels.go:IsRestrictedLabel``.
    """
    if key in well_known:
        return False
    domain = key.partition("/")[0] if "/" in key else ""
    return key == HOSTNAME_LABEL or any(
        domain == name or domain.endswith("." + name) for name in domains
    )


def node_class_label(node_class: tuple[str, str, str]) -> tuple[str, str]:
    """Return the label, key and value, that names a NodeClaim's NodeClass."""
    group, kind, name = node_class
    return f"{group}/{kind.lower()}", name
