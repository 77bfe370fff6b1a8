"""How good a node is by itself: scores of resources and images.

They read nothing but the node; their weighted sum is what is cached per class and node.
"""

from libc.math cimport fabs
from libc.stdint cimport int32_t, int64_t

from pyscale.kernel._cluster cimport INFEASIBLE, class_t, node_t
from pyscale.kernel._filters cimport FITS
from pyscale.kernel._score cimport (
    LEAST_ALLOCATED,
    MAX_POINTS,
    MAX_RESOURCES,
    REQUESTED_TO_CAPACITY_RATIO,
    balance,
    resource_score,
    round_away,
)
from pyscale.kernel._trials cimport TrialTable

cdef int64_t MEBIBYTE = 1 << 20
cdef int64_t EXACT = 1 << 46       # 100 times such a number is an exact double


cdef class NodeScores(TrialTable):
    """A cluster that scores nodes by themselves."""

    # --- the profile ---

    def set_strategies(
        self, int32_t type, object fit_resources, object fit_weights, object shape,
        object balanced_resources,
    ):
        """Set the resources of the two resource scorers (-1: never on a node)."""
        cdef int32_t i
        if max(len(fit_resources), len(balanced_resources)) > MAX_RESOURCES:
            raise ValueError(f"a scoring strategy may name at most {MAX_RESOURCES} resources")
        if len(shape) > MAX_POINTS:
            raise ValueError(f"a shape may have at most {MAX_POINTS} points")
        self.fit.type = type
        self.fit.n_resources = len(fit_resources)
        for i in range(self.fit.n_resources):
            self.fit.resource[i] = fit_resources[i]
            self.fit.weight[i] = fit_weights[i]
        self.fit.n_points = len(shape)
        for i in range(self.fit.n_points):
            self.fit.utilization[i], self.fit.score[i] = shape[i]
        self.balanced.n_resources = len(balanced_resources)
        self.balance_is_common = True
        for i in range(self.balanced.n_resources):
            self.balanced.resource[i] = balanced_resources[i]
            # A scalar that a class doesn't ask for is left out of the balance.
            if not 0 <= self.balanced.resource[i] <= 2:
                self.balance_is_common = False
        self.usual_strategies = (
            type == LEAST_ALLOCATED and list(fit_resources) == [0, 1]
            and list(fit_weights) == [1, 1] and list(balanced_resources) == [0, 1]
        )

    # --- scores that read nothing but the node ---

    cdef int64_t fit_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef int64_t total = 0, weights = 0, amount, score
        cdef int32_t i, r
        for i in range(self.fit.n_resources):
            r = self.fit.resource[i]
            if r < 0 or allocatable[r] == 0 or (r > 2 and pods.fit_amount[i] == 0):
                continue
            if r == 0:
                amount = self.nodes[node_id].non_zero_cpu + pods.fit_amount[i]
            elif r == 1:
                amount = self.nodes[node_id].non_zero_memory + pods.fit_amount[i]
            else:
                amount = used[r] + pods.fit_amount[i]
            score = resource_score(&self.fit, amount, allocatable[r])
            if score == 0 and self.fit.type == REQUESTED_TO_CAPACITY_RATIO:
                continue  # left out of both sums
            total += score * self.fit.weight[i]
            weights += self.fit.weight[i]
        if weights == 0:
            return 0
        if self.fit.type == REQUESTED_TO_CAPACITY_RATIO:
            return round_away(<double>total / <double>weights)
        if weights == 2 and total >= 0:
            return total >> 1
        return total // weights

    cdef int64_t balance_without(self, class_t* pods, int32_t node_id) noexcept nogil:
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef double[MAX_RESOURCES] fractions
        cdef int32_t i, r, n = 0
        for i in range(self.balanced.n_resources):
            r = self.balanced.resource[i]
            if r < 0 or allocatable[r] == 0 or (r > 2 and pods.balance_amount[i] == 0):
                continue
            fractions[n] = <double>used[r] / <double>allocatable[r]
            if not fractions[n] < 1.0:
                fractions[n] = 1.0
            n += 1
        return balance(fractions, n)

    cdef int64_t balance_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef double[MAX_RESOURCES] fractions
        cdef int64_t with_pod, without
        cdef int32_t i, r, n = 0
        for i in range(self.balanced.n_resources):
            r = self.balanced.resource[i]
            if r < 0 or allocatable[r] == 0 or (r > 2 and pods.balance_amount[i] == 0):
                continue
            fractions[n] = <double>(used[r] + pods.balance_amount[i]) / <double>allocatable[r]
            if not fractions[n] < 1.0:
                fractions[n] = 1.0
            n += 1
        with_pod = balance(fractions, n)
        if not self.balance_is_delta:
            return with_pod
        if not self.balance_is_common:
            without = self.balance_without(pods, node_id)
        else:
            if self.nodes[node_id].balance < 0:
                self.nodes[node_id].balance = <int32_t>self.balance_without(pods, node_id)
            without = self.nodes[node_id].balance
        return 50 + (50 + with_pod - without) // 2

    cdef int64_t image_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        """Sizes of the images present, each scaled by the share of nodes having it."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t total = 0, lowest = 23 * MEBIBYTE
        cdef int64_t highest = 1000 * MEBIBYTE * pods.n_containers
        cdef int64_t i, j
        for i in range(pods.images.n):
            for j in range(node.images.n):
                if node.images.at[j] == pods.images.at[i]:
                    total += <int64_t>(
                        <double>self.images[node.images.at[j]].size
                        * (<double>node.image_holders.at[j] / <double>self.n_active)
                    )
                    break
        if total < lowest:
            total = lowest
        if total > highest:
            total = highest
        return 100 * (total - lowest) // (highest - lowest)

    cdef int32_t local_score(self, class_t* pods, int32_t node) except? -3 nogil:
        """The cached part of the total: INFEASIBLE, or scores of resources and images."""
        cdef int64_t total = 0
        if self.local_verdict(pods, node, True) != FITS:
            return INFEASIBLE
        if not self.weights[S_RESOURCES] and not self.weights[S_BALANCE]:
            total = 0
        elif self.usual_strategies and not pods.balance_skipped:
            total = self.usual_score(pods, node)
        else:
            if self.weights[S_RESOURCES]:
                total += self.weights[S_RESOURCES] * self.fit_score(pods, node)
            if self.weights[S_BALANCE] and not pods.balance_skipped:
                total += self.weights[S_BALANCE] * self.balance_score(pods, node)
        if self.weights[S_IMAGES] and self.nodes[node].images.n and pods.images.n:
            total += self.weights[S_IMAGES] * self.image_score(pods, node)
        return <int32_t>total

    cdef int64_t usual_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        """Both resource scores under the default strategies, cpu and memory on the node.

        The general functions in one straight line: this is what most cycles spend their time on.
        """
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef int64_t cpu = allocatable[0] - node.non_zero_cpu - pods.fit_amount[0]
        cdef int64_t memory = allocatable[1] - node.non_zero_memory - pods.fit_amount[1]
        cdef double of_cpu, of_memory
        cdef int64_t with_pod
        if not (0 < allocatable[0] < EXACT and 0 < allocatable[1] < EXACT):
            return (
                self.weights[S_RESOURCES] * self.fit_score(pods, node_id)
                + self.weights[S_BALANCE] * self.balance_score(pods, node_id)
            )
        cpu = 0 if cpu < 0 else <int64_t>(100.0 * <double>cpu / <double>allocatable[0])
        memory = 0 if memory < 0 else <int64_t>(
            100.0 * <double>memory / <double>allocatable[1]
        )
        of_cpu = <double>(used[0] + pods.balance_amount[0]) / <double>allocatable[0]
        of_memory = <double>(used[1] + pods.balance_amount[1]) / <double>allocatable[1]
        if not of_cpu < 1.0:
            of_cpu = 1.0
        if not of_memory < 1.0:
            of_memory = 1.0
        with_pod = <int64_t>((1 - fabs((of_cpu - of_memory) / 2)) * 100.0)
        if self.balance_is_delta:
            if node.balance < 0:
                node.balance = <int32_t>self.balance_without(pods, node_id)
            with_pod = 50 + ((50 + with_pod - node.balance) >> 1)
        return (
            self.weights[S_RESOURCES] * ((cpu + memory) >> 1)
            + self.weights[S_BALANCE] * with_pod
        )
