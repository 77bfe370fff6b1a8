"""What would be if: pods that wait for a node counted as there, and pods that may go as gone.

Trials add pods to a node and take them away without a trace; only the filters look in between.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from pyscale.kernel._cluster cimport MAX_NOMINATED, class_t, nomination_t
from pyscale.kernel._filters cimport (
    ENFORCED_AFFINITY,
    FITS,
    NODE_AFFINITY,
    NODE_NAME,
    NODE_UNSCHEDULABLE,
    RESOURCES,
    RESOURCES_BEYOND_NODE,
    TAINTS,
    FilterTable,
)
from pyscale.kernel._growth cimport ints_t, reserve
from pyscale.kernel._match cimport (
    AFFINITY_OK,
    ENFORCED_OK,
    NAME_OK,
    SCHEDULABLE_OK,
    TAINTS_OK,
    fill,
)


cdef class TrialTable(FilterTable):
    """A cluster that says what it would take."""

    def __dealloc__(self):
        free(self.saved_ports)

    cdef int check_nominated(
        self, int32_t class_id, int32_t node, int64_t priority, int64_t pod
    ) except -1 nogil:
        """First with the pods of at least that priority that wait for the node, then without."""
        cdef int32_t i
        cdef int verdict
        cdef nomination_t* nomination
        cdef uint64_t[MAX_NOMINATED] before
        cdef int32_t n = 0
        cdef bint begun
        if self.nodes[node].n_nominated == 0:
            return self.check(class_id, node)
        begun = self.begin_trial(&self.classes[class_id])
        for i in range(self.nodes[node].n_nominated):
            nomination = &self.nodes[node].nominations[i]
            if nomination.priority < priority or nomination.pod == pod:
                continue
            before[n] = self.port_bits(&self.classes[nomination.class_id], node)
            n += 1
            self.place(nomination.class_id, node, 1, True)
        verdict = self.check(class_id, node)
        if n == 0:
            self.end_trial(begun)
            return verdict
        i = self.nodes[node].n_nominated
        while i > 0:
            i -= 1
            nomination = &self.nodes[node].nominations[i]
            if nomination.priority < priority or nomination.pod == pod:
                continue
            n -= 1
            self.place(nomination.class_id, node, -1, True)
            self.set_port_bits(&self.classes[nomination.class_id], node, before[n])
        if verdict == FITS:
            verdict = self.check(class_id, node)
        self.end_trial(begun)
        return verdict

    cdef int spare(
        self, int32_t class_id, int32_t node, const int32_t* victims, int32_t n, int64_t priority,
        int64_t pod, uint8_t* gone
    ) except -1 nogil:
        """Take pods from a node until the class fits, and give back as many as possible.

        Pods are given back in their order; ``gone`` says who is not.  Returns the verdict with all
        of them gone, whose resource mask is in ``shortfall``.
        """
        cdef int64_t i
        cdef int verdict
        cdef uint64_t mask
        cdef bint begun = self.begin_trial(&self.classes[class_id])
        reserve(<void**>&self.saved_ports, &self.saved_ports_capacity, self.n_ports + 1, 1)
        for i in range(self.n_ports):
            self.saved_ports[i] = self.port_used[i][node]
        for i in range(n):
            self.place(victims[i], node, -1, True)
        verdict = self.check_nominated(class_id, node, priority, pod)
        mask = self.shortfall
        for i in range(n):
            gone[i] = False
            self.place(victims[i], node, 1, True)
            if verdict == FITS:
                gone[i] = self.check_nominated(class_id, node, priority, pod) != FITS
                if gone[i]:
                    self.place(victims[i], node, -1, True)
        for i in range(n):
            if gone[i]:
                self.place(victims[i], node, 1, True)
        for i in range(self.n_ports):
            self.port_used[i][node] = self.saved_ports[i]
        self.end_trial(begun)
        self.shortfall = mask
        return verdict

    # --- doors for Python ---

    def verdict(self, int32_t class_id, int32_t node, int64_t priority=0, int64_t pod=-1):
        """Return (verdict, mask of resources that fall short) of all filters on one node.

        Bit 0 of the mask stands for pods, bit ``1 + r`` for resource ``r``.
        """
        verdict = self.check_nominated(class_id, node, priority, pod)
        return verdict, self.shortfall if verdict in (RESOURCES, RESOURCES_BEYOND_NODE) else 0

    def verdicts(self, int32_t class_id, object nodes, int64_t priority=0, int64_t pod=-1):
        """Return :meth:`verdict` for several nodes."""
        cdef list found = []
        cdef int verdict
        cdef uint64_t mask
        cdef int32_t node_id
        for node in nodes:
            node_id = node
            verdict = self.check_nominated(class_id, node_id, priority, pod)
            mask = self.shortfall if verdict in (RESOURCES, RESOURCES_BEYOND_NODE) else 0
            found.append((verdict, mask))
        return found

    def skips(self, int32_t class_id):
        """Return whether PreFilter leaves out InterPodAffinity, and VolumeRestrictions."""
        cdef class_t* pods = &self.classes[class_id]
        return self.skips_affinity(pods), self.skips_restrictions(pods)

    def plugin_verdicts(
        self, int32_t class_id, int32_t node, int64_t priority=0, int64_t pod=-1
    ):
        """Return (verdict per filter plugin, run by itself, mask of short resources)."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int bits = self.match.static_bits(pods.static, node)
        affinity = NODE_AFFINITY if not bits & AFFINITY_OK else FITS
        resources = self.resource_verdict(pods, node)
        shortfall = self.shortfall
        verdicts = [
            FITS if bits & SCHEDULABLE_OK else NODE_UNSCHEDULABLE,
            FITS if bits & NAME_OK else NODE_NAME,
            FITS if bits & TAINTS_OK else TAINTS,
            affinity if bits & ENFORCED_OK else ENFORCED_AFFINITY,
            self.port_verdict(pods, node),
            resources,
            self.disk_verdict(pods, node, False),
            self.limit_verdict(pods, node),
            pods.volume_binding[node] if pods.has_volume_verdicts else FITS,
            pods.volume_zone[node] if pods.has_volume_verdicts else FITS,
            self.spread_verdict(pods, node),
            self.affinity_verdict(pods, node),
        ]
        return verdicts, shortfall

    def fits_empty(self, int32_t class_id, int32_t node):
        """Return whether a class's requests are within what a node offers."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int64_t* allocatable = self.allocatable + node * self.resource_stride
        cdef int64_t i
        for i in range(pods.need.n):
            if pods.need_amount[i] > allocatable[pods.need.at[i]]:
                return False
        return self.nodes[node].allowed_pods > 0

    def try_victims(
        self, int32_t class_id, int32_t node, object victims, int64_t priority, int64_t pod
    ):
        """Remove pods from a node until the class fits, and give back as many as possible.

        Parameters
        ----------
        class_id, node : int
        victims : sequence of int
            Classes of the pods that may go, in the order in which they are given back.
        priority, pod : int
            Of the pod that preempts.

        Returns
        -------
        (int, int, list of bool)
            Verdict and resource mask with all of them gone; if that fits, per pod whether it
            has to go.
        """
        cdef ints_t classes
        cdef uint8_t* gone = NULL
        cdef int64_t capacity = 0
        cdef int64_t i
        memset(&classes, 0, sizeof(ints_t))
        try:
            fill(&classes, victims)
            reserve(<void**>&gone, &capacity, classes.n + 1, 1)
            verdict = self.spare(
                class_id, node, classes.at, <int32_t>classes.n, priority, pod, gone
            )
            mask = self.shortfall if verdict in (RESOURCES, RESOURCES_BEYOND_NODE) else 0
            leaves = [bool(gone[i]) for i in range(classes.n)] if verdict == FITS else []
        finally:
            free(classes.at)
            free(gone)
        return verdict, mask, leaves
