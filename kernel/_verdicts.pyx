"""What filters say of one node to many classes of pods."""

from libc.stdint cimport int32_t, int64_t, uint64_t

import numpy as np

from pyscale.kernel._bind cimport FITS, RESOURCES, RESOURCES_BEYOND_NODE, ClusterState
from pyscale.kernel._plain cimport is_plain_class


def is_plain(ClusterState state not None, int32_t class_id):
    """Whether nothing but room and the node's own labels and taints restricts a class."""
    return is_plain_class(&state.classes[class_id])


def room_verdicts(ClusterState state not None, const int32_t[::1] classes not None, int32_t node):
    """Return per class whether a node's labels and taints let it in, whatever room there is."""
    cdef int64_t i
    cdef int verdict
    found = bytearray(classes.shape[0])
    for i in range(classes.shape[0]):
        verdict = state.check(classes[i], node)
        found[i] = verdict == FITS or verdict == RESOURCES or verdict == RESOURCES_BEYOND_NODE
    return found


def verdicts(ClusterState state not None, const int32_t[::1] classes not None, int32_t node):
    """Return the filters' verdict on a node per class (int32), and the resources it lacks."""
    cdef int64_t i
    codes = np.empty(classes.shape[0], np.int32)
    shortfalls = np.zeros(classes.shape[0], np.uint64)
    cdef int32_t[::1] found = codes
    cdef uint64_t[::1] lacking = shortfalls
    for i in range(classes.shape[0]):
        found[i] = state.check(classes[i], node)
        if found[i] == RESOURCES or found[i] == RESOURCES_BEYOND_NODE:
            lacking[i] = state.shortfall
    return codes, shortfalls
