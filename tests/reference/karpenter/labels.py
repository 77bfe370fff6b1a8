"""Label keys with a meaning."""

ZONE = "topology.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"
HOSTNAME = "kubernetes.io/hostname"
ARCH = "kubernetes.io/arch"
OS = "kubernetes.io/os"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
WINDOWS_BUILD = "node.kubernetes.io/windows-build"
CAPACITY_TYPE = "karpenter.sh/capacity-type"
NODE_POOL = "karpenter.sh/nodepool"
REGISTERED = "karpenter.sh/registered"
INITIALIZED = "karpenter.sh/initialized"
# The provider of the recordings.
RESERVATION_ID = "karpenter.test.sh/reservation-id"
NODE_CLASS = "karpenter.test.sh/testnodeclass"

SIMULATION_ONLY = frozenset({REGISTERED, INITIALIZED})
CAPACITY_TYPES = ("reserved", "spot", "on-demand")
CORE_WELL_KNOWN = frozenset(
    {NODE_POOL, ZONE, REGION, INSTANCE_TYPE, ARCH, OS, CAPACITY_TYPE, WINDOWS_BUILD, RESERVATION_ID}
)
RESTRICTED_DOMAINS = ("karpenter.sh", "karpenter.kwok.sh")

KWOK_PREFIX = "karpenter.kwok.sh/instance-"
KWOK_KEYS = frozenset(KWOK_PREFIX + suffix for suffix in ("size", "family", "cpu", "memory"))
FAKE_KEYS = frozenset({"size", "special", "integer"})

NORMALIZED_KEYS = {
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
    "beta.kubernetes.io/arch": ARCH,
    "beta.kubernetes.io/os": OS,
    "beta.kubernetes.io/instance-type": INSTANCE_TYPE,
}


def normalize_key(key):
    return NORMALIZED_KEYS.get(key, key)


def well_known_labels(case_input):
    """The keys that an incoming requirement may use although the holder does not define them."""
    catalogue = case_input.get("catalogue") or ""
    named = (
        KWOK_KEYS
        if catalogue == "kwok"
        else FAKE_KEYS
        if catalogue.startswith("fake")
        else frozenset()
    )
    return CORE_WELL_KNOWN | named | frozenset(case_input.get("wellKnownLabels", ()))


def is_restricted(key, well_known):
    """"""
    key = normalize_key(key)
    if key in well_known:
        return False
    domain = key.split("/")[0] if "/" in key else ""
    return key == HOSTNAME or any(
        domain == name or domain.endswith("." + name) for name in RESTRICTED_DOMAINS
    )
