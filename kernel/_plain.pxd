"""Which pod classes nothing but room and the node itself restricts."""

from pyscale.kernel._cluster cimport class_t


cdef inline bint is_plain_class(class_t* pods) noexcept nogil:
    return not (
        pods.n_spread or pods.n_affinity or pods.n_anti_affinity or pods.n_existing
        or pods.ports.n or pods.port_conflicts.n or pods.volumes.n or pods.has_volume_verdicts
        or pods.disk_conflicts >= 0 or pods.claim_in_use >= 0 or pods.refused or pods.has_names
    )
