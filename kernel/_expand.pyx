"""From records (class, first node, number of nodes, copies) to one node per pod, and back."""

from libc.stdint cimport int32_t, int64_t


def expand(const int64_t[:, ::1] records, int64_t[::1] next_pod, int32_t[::1] node_of_pod):
    """Hand the pods of every class out, record by record, node by node.

    Parameters
    ----------
    records : memoryview of int64, shape (n_records, 4)
        Class, first node, number of nodes, copies on each.
    next_pod : memoryview of int64, shape (n_classes,)
        First pod of each class; afterwards the first pod without a place.
    node_of_pod : memoryview of int32, shape (n_pods,)
        Node of every pod; what is not placed is not written.
    """
    cdef Py_ssize_t i
    cdef int64_t pod, node, _copy
    with nogil:
        for i in range(records.shape[0]):
            pod = next_pod[records[i, 0]]
            for node in range(records[i, 1], records[i, 1] + records[i, 2]):
                for _copy in range(records[i, 3]):
                    node_of_pod[pod] = <int32_t>node
                    pod += 1
            next_pod[records[i, 0]] = pod


def expand_rounds(const int64_t[:, ::1] records, int64_t[::1] next_pod, int32_t[::1] node_of_pod):
    """Hand the pods of every class out one to a node, in rounds; records of a class adjoin.

    Parameters
    ----------
    records : memoryview of int64, shape (n_records, 4)
        Class, first node, number of nodes, copies on each.
    next_pod : memoryview of int64, shape (n_classes,)
        First pod of each class; afterwards the first pod without a place.
    node_of_pod : memoryview of int32, shape (n_pods,)
        Node of every pod; what is not placed is not written.
    """
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t stop, i
    cdef int64_t served, pod, node, before
    with nogil:
        while start < records.shape[0]:
            stop = start
            while stop < records.shape[0] and records[stop, 0] == records[start, 0]:
                stop += 1
            pod = next_pod[records[start, 0]]
            served = 0
            before = pod - 1
            while pod > before:
                before = pod
                for i in range(start, stop):
                    if records[i, 3] > served:
                        for node in range(records[i, 1], records[i, 1] + records[i, 2]):
                            node_of_pod[pod] = <int32_t>node
                            pod += 1
                served += 1
            next_pod[records[start, 0]] = pod
            start = stop


def subtract(
    const int64_t[:, ::1] records, const int64_t[:, ::1] requests, int64_t[:, ::1] room
):
    """Take what was placed from the room of every node.

    Parameters
    ----------
    records : memoryview of int64, shape (n_records, 4)
        Class, first node, number of nodes, copies on each.
    requests : memoryview of int64, shape (n_classes, n_resources)
        Subtracting form.
    room : memoryview of int64, shape (n_nodes, n_resources)
        Changed in place.
    """
    cdef Py_ssize_t i, r
    cdef int64_t node
    with nogil:
        for i in range(records.shape[0]):
            for node in range(records[i, 1], records[i, 1] + records[i, 2]):
                for r in range(requests.shape[1]):
                    room[node, r] -= requests[records[i, 0], r] * records[i, 3]
