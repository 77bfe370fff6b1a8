"""Which pods of a run go so that a more important one fits.

The rules of ``policies/kube_scheduler/preemption.py`` over the pods of the event loop, without the
GIL: candidates are the nodes whose refusal preemption may lift, from a drawn place on until enough
are found; on each node all less important pods go and as many as possible are given back, those
first whose eviction would violate a disruption budget; the cheapest node is chosen.

A pod's start is when it was bound.  Pods of DaemonSets never go.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free, qsort
from libc.string cimport memcpy

from pyscale.kernel._cluster cimport MAX_NOMINATED
from pyscale.kernel._filters cimport (
    CLAIM_IN_USE,
    DISK_CONFLICT,
    EXISTING_ANTI_AFFINITY,
    FITS,
    N_VERDICTS,
    POD_ANTI_AFFINITY,
    PORTS,
    RESOURCES,
    SPREAD,
    VOLUME_LIMIT,
)
from pyscale.kernel._growth cimport ints_t, push, reserve
from pyscale.kernel._population cimport Population, resident_t
from pyscale.kernel._typedefs cimport index_t

cdef int64_t PRIORITY_OFFSET = 1 << 31


cdef int by_importance(const void* a, const void* b) noexcept nogil:
    cdef const tenant_t* x = <const tenant_t*>a
    cdef const tenant_t* y = <const tenant_t*>b
    if x.priority != y.priority:
        return -1 if x.priority > y.priority else 1
    if x.bound != y.bound:
        return -1 if x.bound < y.bound else 1
    return -1 if x.pod < y.pod else 1


cdef bint is_cheaper(const price_t* a, const price_t* b) noexcept nogil:
    if a.violations != b.violations:
        return a.violations < b.violations
    if a.highest != b.highest:
        return a.highest < b.highest
    if a.total != b.total:
        return a.total < b.total
    if a.n_victims != b.n_victims:
        return a.n_victims < b.n_victims
    return a.age < b.age


cdef bint may_be_lifted(int verdict) noexcept nogil:
    """Whether a node refuses for something that the end of pods can change."""
    return (
        verdict == PORTS or verdict == RESOURCES or verdict == DISK_CONFLICT
        or verdict == CLAIM_IN_USE or verdict == VOLUME_LIMIT or verdict == SPREAD
        or verdict == POD_ANTI_AFFINITY or verdict == EXISTING_ANTI_AFFINITY
        or verdict >= N_VERDICTS
    )


cdef uint64_t mix(uint64_t x) noexcept nogil:
    """One round of splitmix64."""
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)


cdef class Preemption:
    """The search for victims in one run.

    Parameters
    ----------
    state : ClusterState
    class_ids : ndarray of int32, shape (n_classes,)
        The state's class of each pod class.
    never : ndarray of bool, shape (n_classes,)
        Classes that don't preempt (preemptionPolicy Never).
    budget_start : ndarray of int32, shape (n_classes + 1,)
    budget_of : ndarray of int32
        Budgets that cover pods of class ``c`` are ``budget_of[budget_start[c]:budget_start[c+1]]``.
    budgets : object
        With ``allowed(pending, bound) -> ndarray of int64``, from pods per class; read if any
        budget covers a class.
    percentage, absolute : int
        How many candidates end a search: that share of the potential nodes, at least so many.
    seed : int
        Of the draws where searches begin.

    Notes
    -----
    A search takes O(nodes + candidates x pods on them).
    """

    def __init__(
        self, ClusterState state not None, class_ids, never, budget_start, budget_of, budgets,
        percentage, absolute, seed,
    ):
        self.state = state
        self.class_ids = class_ids
        self.never = never.view("uint8")
        self.budget_start = budget_start
        self.budget_of = budget_of
        self.budgets = budgets
        self.percentage = percentage
        self.absolute = absolute
        self.seed = seed
        self.n_budgets = len(budgets) if len(budget_of) else 0
        self.allowed = <int64_t*>calloc(<size_t>self.n_budgets + 1, sizeof(int64_t))
        self.left = <int64_t*>calloc(<size_t>self.n_budgets + 1, sizeof(int64_t))
        if self.allowed == NULL or self.left == NULL:
            raise MemoryError(f"no memory for {self.n_budgets} disruption budgets")

    def __dealloc__(self):
        free(self.potential.at)
        free(self.order.at)
        free(self.order_class.at)
        free(self.tenants)
        free(self.gone)
        free(self.allowed)
        free(self.left)

    cdef int read_budgets(self, Population who) except -1 nogil:
        cdef int64_t i
        if self.n_budgets == 0:
            return 0
        with gil:
            for i, allowed in enumerate(self.budgets.allowed(*(<object>who).class_counts())):
                self.allowed[i] = allowed
        return 0

    cdef int read_tenants(
        self, Population who, index_t host, int32_t priority
    ) except -1 nogil:
        """Write the less important pods of a node, the most important of them first."""
        cdef const resident_t* one
        cdef index_t i
        cdef int32_t n = 0
        for i in range(who.nodes[host].n_pods):
            one = &who.nodes[host].residents[i]
            if who.classes[one.pod_class].priority >= priority or who.is_of_node(one.pod):
                continue
            reserve(<void**>&self.tenants, &self.tenant_room, n + 1, sizeof(tenant_t))
            self.tenants[n].priority = who.classes[one.pod_class].priority
            self.tenants[n].pod = one.pod
            self.tenants[n].bound = one.bound
            self.tenants[n].pod_class = one.pod_class
            n += 1
        self.n_tenants = n
        qsort(self.tenants, <size_t>n, sizeof(tenant_t), by_importance)
        return 0

    cdef int32_t split_by_budgets(self) except -1 nogil:
        """Order the tenants: first those whose eviction violates a budget; how many these are.

        Every budget that covers a pod is charged, also after one is violated.
        """
        cdef int32_t i, j, budget, n_violating
        cdef bint violates
        self.order.n = 0
        reserve(<void**>&self.gone, &self.gone_room, self.n_tenants + 1, 1)
        memcpy(self.left, self.allowed, <size_t>self.n_budgets * sizeof(int64_t))
        for i in range(self.n_tenants):
            violates = False
            if self.n_budgets:
                for j in range(
                    self.budget_start[self.tenants[i].pod_class],
                    self.budget_start[self.tenants[i].pod_class + 1],
                ):
                    budget = self.budget_of[j]
                    self.left[budget] -= 1
                    violates = violates or self.left[budget] < 0
            self.gone[i] = violates
            if violates:
                push(&self.order, i)
        n_violating = <int32_t>self.order.n
        for i in range(self.n_tenants):
            if not self.gone[i]:
                push(&self.order, i)
        self.order_class.n = 0
        for i in range(self.n_tenants):
            push(&self.order_class, self.class_ids[self.tenants[self.order.at[i]].pod_class])
        return n_violating

    cdef bint opens(
        self, Population who, index_t pod_class, index_t host, int32_t node
    ) except -1 nogil:
        """Whether pods of a class would fit a node without the less important pods there."""
        cdef int32_t priority = who.classes[pod_class].priority
        if self.never[pod_class]:
            return False
        self.read_tenants(who, host, priority)
        if self.n_tenants == 0:
            return False
        self.split_by_budgets()
        return self.state.spare(
            self.class_ids[pod_class], node, self.order_class.at, self.n_tenants, priority, -1,
            self.gone,
        ) == FITS

    cdef int find_potential(
        self, int32_t class_id, int32_t priority, index_t pod
    ) except -1 nogil:
        """Write the nodes whose refusal the end of pods may lift, in the order of the list."""
        cdef ints_t* listed = &self.state.order
        cdef int64_t i
        self.potential.n = 0
        if self.state.classes[class_id].refused:
            return 0
        if self.state.classes[class_id].has_names:
            self.state.restrict(&self.state.classes[class_id])
            listed = &self.state.candidates
        for i in range(listed.n):
            if may_be_lifted(self.state.check_nominated(class_id, listed.at[i], priority, pod)):
                push(&self.potential, listed.at[i])
        return 0

    cdef int32_t search(
        self, Population who, const index_t* hosts, const index_t* slots, index_t pod,
        ints_t* victims
    ) except -2 nogil:
        """Choose a node and write its victims, the most important first; -1 if there is none.

        ``hosts[slots[node]]`` is the id in ``who`` of a node of the self.state.
        """
        cdef index_t pod_class = who.class_of(pod)
        cdef int32_t class_id = self.class_ids[pod_class]
        cdef int32_t priority = who.classes[pod_class].priority
        cdef int32_t node, best = -1, i, first, n_violating, j
        cdef int64_t wanted, n, k, start, n_candidates = 0
        cdef price_t price, lowest
        cdef bint is_clean = False
        if self.never[pod_class]:
            return -1
        self.find_potential(class_id, priority, pod)
        n = self.potential.n
        if n == 0:
            return -1
        self.read_budgets(who)
        wanted = max(n * self.percentage / 100, self.absolute)
        start = 0
        if n > wanted:
            start = <int64_t>(
                mix(mix(<uint64_t>self.seed) + <uint64_t>self.n_searches) % <uint64_t>n
            )
        self.n_searches += 1
        for k in range(n):
            node = self.potential.at[(start + k) % n]
            if self.state.nodes[node].n_nominated >= MAX_NOMINATED:
                continue
            self.read_tenants(who, hosts[slots[node]], priority)
            if self.n_tenants == 0:
                continue
            n_violating = self.split_by_budgets()
            if self.state.spare(
                class_id, node, self.order_class.at, self.n_tenants, priority, pod, self.gone
            ) != FITS:
                continue
            price.violations = 0
            price.total = 0
            price.n_victims = 0
            first = self.n_tenants
            for i in range(self.n_tenants):
                j = self.order.at[i]
                self.tenants[j].leaves = self.gone[i]
                if self.gone[i]:
                    price.violations += i < n_violating
                    price.total += self.tenants[j].priority + PRIORITY_OFFSET
                    price.n_victims += 1
                    first = min(first, j)
            if price.n_victims == 0:
                continue
            # The most important victim is the oldest of its priority.
            price.highest = self.tenants[first].priority
            price.age = -self.tenants[first].bound
            n_candidates += 1
            is_clean = is_clean or price.violations == 0
            if best < 0 or is_cheaper(&price, &lowest):
                best = node
                lowest = price
                victims.n = 0
                for j in range(self.n_tenants):
                    if self.tenants[j].leaves:
                        push(victims, self.tenants[j].pod)
            if is_clean and n_candidates >= wanted:
                break
        return best
