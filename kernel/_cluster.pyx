"""The state of a cluster in integers: nodes, pod classes, who is where; fork and revert.

``ClusterTable`` knows nodes by small ids, node *kinds* (labels, taints, allocatable, images), pod
*classes* (everything that a rule reads of a pod, compiled to numbers), and how many pods of which
class each node holds.  ``_bind.ClusterState`` adds the decisions.  Strings, quantities and
objects stay outside: ``pyscale.policies.kube_scheduler.snapshot.Snapshot`` compiles them.

*Node ids* stay valid while the node exists; a removed node keeps its id until the list of nodes
is next refreshed, so that a node that is removed and comes back in between keeps its place, as it
does upstream.  *Changes* of nodes are logged; a class reads the log when it is next asked about
and computes again only what can have changed.

``fork`` starts to record operations, ``revert`` undoes them in reverse order (exactly: counts are
sums, host ports are restored), ``commit`` keeps them.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint64_t
from libc.string cimport memmove

from pyscale.kernel._growth cimport push, reserve
from pyscale.kernel._match cimport NAME_COLUMN
from pyscale.kernel._node_list cimport (
    DIRTY,
    INSERT,
    MAX_NOMINATED,
    PUT,
    RELABEL,
    REMOVE,
    TAKE,
    class_t,
    node_t,
    nomination_t,
    operation_t,
    subscription_t,
)
from pyscale.kernel._nodes cimport NodeTable


cdef class ClusterTable(NodeTable):
    """Nodes, pod classes and placements.

    Parameters
    ----------
    interleaved : bool
        Whether the list of nodes goes round the zones (kube-scheduler) or keeps the order in
        which nodes were added (Cluster Autoscaler).
    """

    # --- pods ---

    cdef int place(
        self, int32_t class_id, int32_t node_id, int32_t sign, bint trial
    ) except -1 nogil:
        """Add (+1) or take away (-1) what one pod of a class uses; a trial is not logged."""
        cdef class_t* pods = &self.classes[class_id]
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef subscription_t* subscription
        cdef int16_t* uses
        cdef int64_t i
        node.pods += sign
        node.non_zero_cpu += sign * pods.non_zero_cpu
        node.non_zero_memory += sign * pods.non_zero_memory
        for i in range(pods.use.n):
            used[pods.use.at[i]] += sign * pods.use_amount[i]
        for i in range(pods.ports.n):
            # A set upstream: taking one holder away frees the port even if another holds it.
            self.port_used[pods.ports.at[i]][node_id] = sign > 0
        for i in range(pods.volumes.n):
            uses = self.volumes[pods.volumes.at[i]].uses
            uses[node_id] += sign
            if uses[node_id] == (1 if sign > 0 else 0):
                self.drivers[self.volumes[pods.volumes.at[i]].driver].attached[node_id] += sign
        for i in range(pods.n_subscriptions):
            subscription = &pods.subscriptions[i]
            if trial:
                self.topology.add(subscription.counter, node_id, sign * subscription.trial)
            else:
                self.topology.add(subscription.counter, node_id, sign * subscription.weight)
                self.topology.add_entries(
                    subscription.counter, node_id, sign * subscription.entries
                )
        return 0

    cdef uint64_t port_bits(self, class_t* pods, int32_t node) noexcept nogil:
        cdef uint64_t bits = 0
        cdef int64_t i
        for i in range(pods.ports.n):
            bits |= <uint64_t>self.port_used[pods.ports.at[i]][node] << i
        return bits

    cdef int set_port_bits(self, class_t* pods, int32_t node, uint64_t bits) except -1 nogil:
        cdef int64_t i
        for i in range(pods.ports.n):
            self.port_used[pods.ports.at[i]][node] = (bits >> i) & 1
        return 0

    cdef int put(self, int32_t class_id, int32_t node_id) except -1 nogil:
        """A pod of a class comes to a node."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t i
        if self.fork_marks.n:
            self.record(
                PUT, class_id, node_id, self.port_bits(&self.classes[class_id], node_id)
            )
        self.place(class_id, node_id, 1, False)
        self.touch(node_id)
        for i in range(node.classes.n):
            if node.classes.at[i] == class_id:
                node.counts.at[i] += 1
                return 0
        push(&node.classes, class_id)
        push(&node.counts, 1)
        return 0

    cdef int put_many(self, int32_t class_id, int32_t node_id, int64_t count) except -1 nogil:
        """Pods of a class come to a node together, as if one by one."""
        cdef class_t* pods = &self.classes[class_id]
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef int64_t i, _
        # One pod is put as usual: it makes the class known to the node.
        if count > 1 and not (
            self.fork_marks.n or pods.ports.n or pods.volumes.n or pods.n_subscriptions
        ):
            node.pods += count - 1
            node.non_zero_cpu += (count - 1) * pods.non_zero_cpu
            node.non_zero_memory += (count - 1) * pods.non_zero_memory
            for i in range(pods.use.n):
                used[pods.use.at[i]] += (count - 1) * pods.use_amount[i]
            self.put(class_id, node_id)
            for i in range(node.classes.n):
                if node.classes.at[i] == class_id:
                    node.counts.at[i] += <int32_t>(count - 1)
            return 0
        for _ in range(count):
            self.put(class_id, node_id)
        return 0

    cdef int take(self, int32_t class_id, int32_t node_id) except -1 nogil:
        """A pod of a class leaves a node; 0 if there was none, else 1."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t i
        for i in range(node.classes.n):
            if node.classes.at[i] == class_id:
                break
        else:
            return 0
        if self.fork_marks.n:
            self.record(
                TAKE, class_id, node_id, self.port_bits(&self.classes[class_id], node_id)
            )
        if node.active:
            self.place(class_id, node_id, -1, False)
            self.touch(node_id)
        else:
            self.take_from_removed(class_id, node_id)
        node.counts.at[i] -= 1
        if node.counts.at[i] == 0:
            node.classes.n -= 1
            node.counts.n -= 1
            node.classes.at[i] = node.classes.at[node.classes.n]
            node.counts.at[i] = node.counts.at[node.counts.n]
        return 1

    cdef int take_from_removed(self, int32_t class_id, int32_t node_id) except -1 nogil:
        """The pod leaves a node that is not there: its topology counts are gone already."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t n_subscriptions = pods.n_subscriptions
        pods.n_subscriptions = 0
        self.place(class_id, node_id, -1, False)
        pods.n_subscriptions = n_subscriptions
        return 0

    def add_pod(self, int32_t class_id, int32_t node_id):
        """Put a pod of a class on a node, whether it fits or not."""
        self.put(class_id, node_id)

    def remove_pod(self, int32_t class_id, int32_t node_id):
        """Take a pod of a class from a node."""
        if not self.take(class_id, node_id):
            raise ValueError(f"node {node_id} holds no pod of class {class_id}")

    def pods_on(self, int32_t node_id):
        """Return ``{class: number of pods}`` of a node."""
        cdef node_t* node = &self.nodes[node_id]
        return {node.classes.at[i]: node.counts.at[i] for i in range(node.classes.n)}

    def ports_in_use(self, int32_t node_id):
        """Return the host ports that count as taken on a node."""
        return [i for i in range(self.n_ports) if self.port_used[i][node_id]]

    def set_ports_in_use(self, int32_t node_id, object ports):
        """Set the host ports that count as taken, whoever is there."""
        cdef int32_t i
        for i in range(self.n_ports):
            self.port_used[i][node_id] = 0
        for port in ports:
            self.port_used[<int32_t>port][node_id] = 1
        self.touch(node_id)

    def usage(self, int32_t node_id):
        """Return (pods, non-zero cpu, non-zero memory, used per resource, allocatable per one)."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t base = node_id * self.resource_stride
        return (
            node.pods, node.non_zero_cpu, node.non_zero_memory,
            [self.used[base + r] for r in range(self.n_resources)],
            [self.allocatable[base + r] for r in range(self.n_resources)],
        )

    cdef int shift(self, class_t* pods, int64_t place) noexcept nogil:
        """Move what is cached behind a node that went: the others stay in order."""
        cdef int64_t last = pods.score_capacity - 1
        if place <= last:
            memmove(
                pods.score + place, pods.score + place + 1,
                <size_t>(last - place) * sizeof(int32_t),
            )
            pods.score[last] = DIRTY
        return 0

    cdef int sync(self, class_t* pods) except -1 nogil:
        """Mark what may have changed since the class was last asked about."""
        cdef int64_t i, place
        if pods.score_capacity < self.n_nodes:
            reserve(
                <void**>&pods.score, &pods.score_capacity, self.node_capacity, sizeof(int32_t)
            )
            pods.epoch = -1
        if pods.images.n and self.n_image_nodes and pods.image_nodes != self.n_active:
            pods.epoch = -1
        if pods.epoch != self.epoch:
            for i in range(pods.score_capacity):
                pods.score[i] = DIRTY
            pods.epoch = self.epoch
            pods.image_nodes = self.n_active
        else:
            for i in range(pods.reshuffle, self.reshuffles.n):
                place = self.reshuffles.at[i]
                if place < 0:
                    self.shift(pods, ~place)
                    continue
                for place in range(place, pods.score_capacity):
                    pods.score[place] = DIRTY
            for i in range(pods.cursor, self.changes.n):
                place = self.position[self.changes.at[i]]
                if place >= 0:
                    pods.score[place] = DIRTY
        pods.reshuffle = self.reshuffles.n
        pods.cursor = self.changes.n
        return 0

    # --- nominations ---

    cdef int nominate_to(
        self, int32_t node_id, int32_t class_id, int64_t priority, int64_t pod
    ) except -1 nogil:
        cdef node_t* node = &self.nodes[node_id]
        cdef nomination_t* nomination
        reserve(
            <void**>&node.nominations, &node.nomination_room,
            node.n_nominated + 1, sizeof(nomination_t),
        )
        nomination = &node.nominations[node.n_nominated]
        nomination.class_id = class_id
        nomination.priority = priority
        nomination.pod = pod
        node.n_nominated += 1
        self.n_nominations += 1
        return 0

    cdef int withdraw(self, int32_t node_id, int64_t pod) except -1 nogil:
        """Forget every nomination of a pod to a node."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int32_t kept = 0, i
        for i in range(node.n_nominated):
            if node.nominations[i].pod != pod:
                node.nominations[kept] = node.nominations[i]
                kept += 1
        self.n_nominations -= node.n_nominated - kept
        node.n_nominated = kept
        return 0

    def nominate(self, int32_t node_id, int32_t class_id, int64_t priority, int64_t pod):
        """Say that a pod waits for room on a node."""
        if self.nodes[node_id].n_nominated == MAX_NOMINATED:
            raise ValueError(f"at most {MAX_NOMINATED} pods may be nominated to one node")
        self.nominate_to(node_id, class_id, priority, pod)

    def clear_nomination(self, int64_t pod):
        """Forget every nomination of a pod."""
        cdef int32_t i
        for i in range(self.n_nodes):
            if self.nodes[i].n_nominated:
                self.withdraw(i, pod)

    # --- fork and revert ---

    def fork(self):
        """Begin to record, so that :meth:`revert` can undo; forks may be nested."""
        push(&self.fork_marks, <int32_t>self.n_operations)

    def commit(self):
        """Keep what was done since the last fork."""
        cdef int64_t i
        if self.fork_marks.n == 0:
            raise ValueError("there is no fork to commit")
        self.fork_marks.n -= 1
        if self.fork_marks.n == 0:
            for i in range(self.n_operations):
                if self.operations[i].kind == REMOVE:
                    if not self.nodes[self.operations[i].node].active:
                        push(&self.retired, self.operations[i].node)
                        self.listing_stale = True
            self.n_operations = 0

    def revert(self):
        """Undo everything done since the last fork."""
        cdef int32_t mark
        cdef operation_t operation
        cdef int32_t depth
        if self.fork_marks.n == 0:
            raise ValueError("there is no fork to revert")
        mark = self.fork_marks.at[self.fork_marks.n - 1]
        depth = <int32_t>self.fork_marks.n
        self.fork_marks.n = 0  # undoing is not recorded
        while self.n_operations > mark:
            self.n_operations -= 1
            operation = self.operations[self.n_operations]
            if operation.kind == PUT:
                self.take(operation.class_id, operation.node)
                self.set_port_bits(
                    &self.classes[operation.class_id], operation.node, operation.before
                )
            elif operation.kind == TAKE:
                self.put(operation.class_id, operation.node)
                self.set_port_bits(
                    &self.classes[operation.class_id], operation.node, operation.before
                )
            elif operation.kind == INSERT:
                self.deactivate(operation.node)
                self.leave_zone(operation.node)
                push(&self.retired, operation.node)
                self.listing_stale = True
            elif operation.kind == RELABEL:
                self.deactivate(operation.node)
                self.describe(
                    operation.node, operation.class_id,
                    self.match.columns[NAME_COLUMN].value[operation.node],
                    <int32_t>operation.before - 1,
                )
                self.activate(operation.node)
            else:
                self.activate(operation.node)
                self.reenter_zone(operation.node, operation.before)
        self.fork_marks.n = depth - 1

    @property
    def depth(self):
        """How many forks are open."""
        return self.fork_marks.n

    # --- counters ---

    def add_counter(
        self, int32_t column, object keys=(), int32_t affinity_static=-1,
        int32_t taints_static=-1, bint tracked=False,
    ):
        """Return the id of a new topology counter that knows the nodes that are there."""
        cdef int32_t counter = self.topology.add_counter(
            column, keys, affinity_static, taints_static, tracked
        )
        cdef int32_t i
        for i in range(self.n_nodes):
            if self.nodes[i].active:
                self.topology.join(counter, i)
        return counter

    def subscribe(
        self, int32_t class_id, int32_t counter, int32_t weight, int32_t trial, int32_t entries
    ):
        """Say what pods of a class add to a counter; pods that are placed are counted now."""
        cdef class_t* pods = &self.classes[class_id]
        cdef subscription_t* subscription
        cdef int32_t i
        cdef int64_t j
        reserve(
            <void**>&pods.subscriptions, &pods.subscription_capacity,
            pods.n_subscriptions + 1, sizeof(subscription_t),
        )
        subscription = &pods.subscriptions[pods.n_subscriptions]
        pods.n_subscriptions += 1
        subscription.counter = counter
        subscription.weight = weight
        subscription.trial = trial
        subscription.entries = entries
        for i in range(self.n_nodes):
            if not self.nodes[i].active:
                continue
            for j in range(self.nodes[i].classes.n):
                if self.nodes[i].classes.at[j] == class_id:
                    self.topology.add(counter, i, weight * self.nodes[i].counts.at[j])
                    self.topology.add_entries(counter, i, entries * self.nodes[i].counts.at[j])
