"""The scheduler as the event loop sees it.

A placer knows pod classes, node kinds and node slots by number.  Slots are given out by the event
loop, lowest free number first, and used again after ``remove_node``.  Classes are known from the
start; a kind is made known by :meth:`Placer.add_kind` before a node of it appears.  All C methods
run without the GIL; those that touch Python objects take it themselves.
"""

from libc.stdlib cimport free

from ._population cimport Population
from ._typedefs cimport index_t


cdef class Placer:
    """Base class of schedulers; derive from it in Cython.

    What is here serves schedulers without backoff, preemption, or rules about other pods; the slow
    but right ``bind_run`` and ``may_help`` may stay, too.  All else is to be overridden.
    """

    def __cinit__(self, *_):
        self.backoff_ns = ()
        self.flush_ns = 1
        self.patience_ns = -1

    def __dealloc__(self):
        free(self.victims.at)

    def add_kind(self, kind: object, allocatable: object) -> None:
        """Make a node kind known; its number is the count of earlier calls.

        Parameters
        ----------
        kind : NodeKind
        allocatable : ndarray of int64, shape (n_resources,)
            In the units of the setting.
        """
        raise NotImplementedError

    cdef index_t bind(self, index_t pod_class) except -2 nogil:
        # Choose a node for a pod of the class and take the room; -1 if there is none.
        with gil:
            raise NotImplementedError

    cdef index_t bind_run(self, index_t pod_class, index_t count, index_t* nodes) except -1 nogil:
        # Bind up to count pods of the class one after the other; nodes[:result] are their nodes.
        # Fewer than count means that the next one found none.
        cdef index_t done = 0
        cdef index_t node
        while done < count:
            node = self.bind(pod_class)
            if node < 0:
                break
            nodes[done] = node
            done += 1
        return done

    cdef int bind_to(self, index_t pod_class, index_t node) except -1 nogil:
        # Take the room on this node if the pod may run there, cordoned or not: 1 if so, else 0.
        with gil:
            raise NotImplementedError

    cdef int release(self, index_t pod_class, index_t node) except -1 nogil:
        # A pod of the class leaves the node.
        with gil:
            raise NotImplementedError

    cdef int may_help(self, index_t pod_class, index_t node) except -1 nogil:
        # Whether what happened on this node last (a release, or that it came or was opened) may let
        # in a pod of the class that found no node before.  1 may be wrong, 0 must be right.
        return 1

    cdef int awaits_room(self, index_t pod_class) except -1 nogil:
        # Whether the end of any pod makes the scheduler try the class again, which found no node.
        return 1

    cdef int watches(self, index_t pod_class) except -1 nogil:
        # Whether pods of the class may be let in by pods that are bound.
        return 0

    cdef int lets_in(self, index_t pod_class, index_t bound_class) except -1 nogil:
        # Whether the binding of a pod of the other class may let in one of a class that watches.
        return 0

    cdef int may_preempt(self, Population who, index_t pod_class, index_t host) except -1 nogil:
        # Whether a pod of the class would find room on the node host of who without the less
        # important pods there.
        return 0

    cdef index_t preempt(self, Population who, const index_t* hosts, index_t pod) except -2 nogil:
        # Choose a node for a pending pod that found none, and put the pods that must leave it into
        # self.victims; -1 if that helps nowhere.  hosts[node] is the id of a node in who.
        return -1

    cdef int nominate(self, index_t pod_class, index_t pod, index_t node) except -1 nogil:
        # The pod waits for the room of those that left the node for it.
        return 0

    cdef int withdraw(self, index_t pod, index_t node) except -1 nogil:
        # It does so no more.
        return 0

    cdef index_t retry(self, index_t pod_class, index_t pod, index_t node) except -2 nogil:
        # As bind, but for the pod that was nominated to the node (-1: not any more).
        return self.bind(pod_class)

    cdef int add_node(self, index_t node, index_t kind) except -1 nogil:
        # A node of the kind appears in a free slot, open and without pods.
        with gil:
            raise NotImplementedError

    cdef int remove_node(self, index_t node) except -1 nogil:
        # The slot becomes free; its pods were released before.
        with gil:
            raise NotImplementedError

    cdef int cordon(self, index_t node, bint closed) except -1 nogil:
        # Close the node to new pods, or open it again.
        with gil:
            raise NotImplementedError


cdef class ObjectPlacer(Placer):
    """A scheduler written in Python, for the event loop: right for trying out, slow for much.

    Parameters
    ----------
    scheduler : object
        With the methods of :class:`Placer` under the same names, ``bind_run`` left out:
        ``add_kind(kind, allocatable)``, ``bind(pod_class) -> node or -1``,
        ``bind_to(pod_class, node) -> bool``, ``release(pod_class, node)``,
        ``may_help(pod_class, node) -> bool``, ``add_node(node, kind)``, ``remove_node(node)``,
        ``cordon(node, closed)``.
    """

    def __init__(self, scheduler: object) -> None:
        self.scheduler = scheduler

    def add_kind(self, kind: object, allocatable: object) -> None:
        """Make a node kind known."""
        self.scheduler.add_kind(kind, allocatable)

    cdef index_t bind(self, index_t pod_class) except -2 nogil:
        with gil:
            return self.scheduler.bind(pod_class)

    cdef int bind_to(self, index_t pod_class, index_t node) except -1 nogil:
        with gil:
            return bool(self.scheduler.bind_to(pod_class, node))

    cdef int release(self, index_t pod_class, index_t node) except -1 nogil:
        with gil:
            self.scheduler.release(pod_class, node)
        return 0

    cdef int may_help(self, index_t pod_class, index_t node) except -1 nogil:
        with gil:
            return bool(self.scheduler.may_help(pod_class, node))

    cdef int add_node(self, index_t node, index_t kind) except -1 nogil:
        with gil:
            self.scheduler.add_node(node, kind)
        return 0

    cdef int remove_node(self, index_t node) except -1 nogil:
        with gil:
            self.scheduler.remove_node(node)
        return 0

    cdef int cordon(self, index_t node, bint closed) except -1 nogil:
        with gil:
            self.scheduler.cordon(node, closed)
        return 0
