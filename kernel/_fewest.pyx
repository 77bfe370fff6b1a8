"""Fewest pods first: a pod goes to the open claim with the fewest pods that has room.

The claims are kept as if they were sorted by pod count, stably, before every pod.  In such an order
the claim that accepts a pod moves to the front of those with one pod more, and a new claim to the
back of those with one.  So there is one list per count, and no sorting.

A claim may still become any of several node types: it has room if its pods and the new one fit into
one of them.  Only types that no other exceeds in every resource need to be given.

Assumes valid input: see ``_fit``; fewer than 2^31 claims.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from ._fit cimport copies_of, next_fit_64
from ._growth cimport enlarge


cdef struct Claims:
    int n_resources
    Py_ssize_t n
    Py_ssize_t room
    int64_t* used        # [claim][resource]
    int32_t* hint        # [claim], the type that had room last
    int32_t* after       # [claim], next in its list, -1 at the end
    int32_t* before      # [claim], -1 at the front
    Py_ssize_t n_counts  # lists in use: counts 0 .. n_counts - 1
    Py_ssize_t count_room
    int32_t* front       # [count], -1 if empty
    int32_t* back        # [count]


cdef int reserve(Claims* claims) except -1 nogil:
    """Make room for one more claim."""
    if claims.n < claims.room:
        return 0
    claims.room = 2 * claims.room if claims.room else 64
    enlarge(<void**>&claims.used,
            <size_t>(claims.room * claims.n_resources) * sizeof(int64_t))
    enlarge(<void**>&claims.hint, <size_t>claims.room * sizeof(int32_t))
    enlarge(<void**>&claims.after, <size_t>claims.room * sizeof(int32_t))
    enlarge(<void**>&claims.before, <size_t>claims.room * sizeof(int32_t))
    return 0


cdef int reserve_counts(Claims* claims, Py_ssize_t n) except -1 nogil:
    """Have lists for the counts 0 to ``n - 1``."""
    if n > claims.count_room:
        claims.count_room = n if n > 2 * claims.count_room else 2 * claims.count_room
        enlarge(<void**>&claims.front, <size_t>claims.count_room * sizeof(int32_t))
        enlarge(<void**>&claims.back, <size_t>claims.count_room * sizeof(int32_t))
    while claims.n_counts < n:
        claims.front[claims.n_counts] = -1
        claims.back[claims.n_counts] = -1
        claims.n_counts += 1
    return 0


cdef void detach(Claims* claims, int32_t claim, Py_ssize_t count) noexcept nogil:
    cdef int32_t before = claims.before[claim]
    cdef int32_t after = claims.after[claim]
    if before >= 0:
        claims.after[before] = after
    else:
        claims.front[count] = after
    if after >= 0:
        claims.before[after] = before
    else:
        claims.back[count] = before


cdef void put_in_front(Claims* claims, int32_t claim, Py_ssize_t count) noexcept nogil:
    cdef int32_t front = claims.front[count]
    claims.before[claim] = -1
    claims.after[claim] = front
    if front >= 0:
        claims.before[front] = claim
    else:
        claims.back[count] = claim
    claims.front[count] = claim


cdef void put_at_back(Claims* claims, int32_t claim, Py_ssize_t count) noexcept nogil:
    cdef int32_t back = claims.back[count]
    claims.after[claim] = -1
    claims.before[claim] = back
    if back >= 0:
        claims.after[back] = claim
    else:
        claims.front[count] = claim
    claims.back[count] = claim


cdef bint has_room(
    Claims* claims, int32_t claim, const int64_t[:, ::1] types, const int64_t* request,
    int64_t* total,
) noexcept nogil:
    """Do the claim's pods and one more fit into a type?"""
    cdef Py_ssize_t n_types = types.shape[1]
    cdef Py_ssize_t node_type
    cdef int r
    for r in range(claims.n_resources):
        total[r] = claims.used[<Py_ssize_t>claim * claims.n_resources + r] + request[r]
    node_type = claims.hint[claim]
    for r in range(claims.n_resources):
        if total[r] > types[r, node_type]:
            break
    else:
        return True
    if n_types == 1:
        return False
    node_type = next_fit_64(&types[0, 0], n_types, 0, n_types, claims.n_resources, total)
    if node_type < 0:
        return False
    claims.hint[claim] = <int32_t>node_type
    return True


cdef int64_t place(
    Claims* claims, const int64_t[:, ::1] types, const int64_t* request, int64_t n_pods,
    int64_t max_claims, int64_t* total, int32_t* claim_of_pod,
) except -1 nogil:
    """Place the pods of one class; return the pods left over."""
    cdef Py_ssize_t count = 1
    cdef Py_ssize_t node_type
    cdef int32_t claim, after
    cdef int64_t copies, here, _pod, left = n_pods
    cdef int r
    # Claims of fewer pods, and those before it in its list, had no room and will have none for this
    # class: one walk through the lists serves all its pods.
    while count < claims.n_counts and left:
        claim = claims.front[count]
        if claim >= 0:
            reserve_counts(claims, count + 2)
        while claim >= 0 and left:
            after = claims.after[claim]
            if has_room(claims, claim, types, request, total):
                for r in range(claims.n_resources):
                    claims.used[<Py_ssize_t>claim * claims.n_resources + r] = total[r]
                detach(claims, claim, count)
                put_in_front(claims, claim, count + 1)
                claim_of_pod[n_pods - left] = claim
                left -= 1
            claim = after
        count += 1
    if not left or claims.n >= max_claims:
        return left
    copies = 0
    claim = 0
    for node_type in range(types.shape[1]):
        for r in range(claims.n_resources):
            if request[r] > types[r, node_type]:
                break
        else:
            here = copies_of(
                &types[0, node_type], types.shape[1], claims.n_resources, request, left)
            if here > copies:
                copies = here
                claim = <int32_t>node_type
    if copies == 0:
        return left
    node_type = claim
    reserve_counts(claims, <Py_ssize_t>copies + 1)
    # No older claim has room: a new one takes all it can, moving to the front count after count.
    while left and claims.n < max_claims:
        reserve(claims)
        claim = <int32_t>claims.n
        claims.n += 1
        here = copies if copies < left else left
        for r in range(claims.n_resources):
            claims.used[<Py_ssize_t>claim * claims.n_resources + r] = request[r] * here
        claims.hint[claim] = <int32_t>node_type
        if here == 1:
            put_at_back(claims, claim, 1)
        else:
            put_in_front(claims, claim, <Py_ssize_t>here)
        for _pod in range(here):
            claim_of_pod[n_pods - left] = claim
            left -= 1
    return left


def place_classes(
    const int64_t[:, ::1] types, const int64_t[:, ::1] requests, const int64_t[::1] counts,
    const int32_t[::1] order, const int64_t[::1] starts, int64_t max_claims,
    int32_t[::1] claim_of_pod, int64_t[::1] unplaced,
):
    """Place the pods of every class, class after class, opening claims when none has room.

    Parameters
    ----------
    types : memoryview of int64, shape (n_resources, n_types)
        Node types a claim may become; not negative.
    requests : memoryview of int64, shape (n_classes, n_resources)
        Subtracting form.
    counts : memoryview of int64, shape (n_classes,)
        Pods of each class.
    order : memoryview of int32, shape (n_classes,)
        The classes in the order they are placed.
    starts : memoryview of int64, shape (n_classes,)
        First pod of each class in ``claim_of_pod``.
    max_claims : int
        How many claims may be opened.
    claim_of_pod : memoryview of int32, shape (n_pods,)
        Claim of every pod; what is not placed is not written.
    unplaced : memoryview of int64, shape (n_classes,)
        Pods that found no place: the last ones of their class.

    Returns
    -------
    int
        How many claims were opened.

    Notes
    -----
    O(claims) per class and O(1) per pod, times the types where the last one has no room.
    """
    cdef Py_ssize_t i
    cdef int32_t c
    cdef int64_t* total
    cdef Claims claims
    claims.n_resources = <int>types.shape[0]
    claims.n = claims.room = claims.n_counts = claims.count_room = 0
    claims.used = NULL
    claims.hint = claims.after = claims.before = claims.front = claims.back = NULL
    total = <int64_t*>malloc(<size_t>claims.n_resources * sizeof(int64_t))
    if total == NULL:
        raise MemoryError("no memory for one request")
    try:
        with nogil:
            for i in range(order.shape[0]):
                c = order[i]
                unplaced[c] = counts[c]
                if counts[c]:
                    unplaced[c] = place(
                        &claims, types, &requests[c, 0], counts[c], max_claims, total,
                        &claim_of_pod[starts[c]])
        return claims.n
    finally:
        free(total)
        free(claims.used)
        free(claims.hint)
        free(claims.after)
        free(claims.before)
        free(claims.front)
        free(claims.back)
