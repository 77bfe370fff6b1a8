"""Pod classes: everything that a rule reads of a pod, compiled to integers."""

from pyscale.kernel._cluster cimport ClusterTable


cdef class ClassTable(ClusterTable):
    pass
