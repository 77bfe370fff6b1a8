"""Which nodes have room for a request: masks, the next fit, the number of copies.

Assumes valid input: room of shape (n_resources, n_nodes), contiguous, at least one resource, every
magnitude at most 2^61 (int64) or 2^29 (int32), requests not negative. int64 and int32 give the same
answers; the AVX2 path and the baseline give the same answers.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "_loops.h" nogil:
    ctypedef struct pyscale_loops_t:
        uint64_t (*word_i32)(
            const int32_t*, Py_ssize_t, int, int, const int32_t*) noexcept nogil
        uint64_t (*word_i64)(
            const int64_t*, Py_ssize_t, int, int, const int64_t*) noexcept nogil
        void (*mask_i32)(
            const int32_t*, Py_ssize_t, Py_ssize_t, int, const int32_t*, uint64_t*) noexcept nogil
        void (*mask_i64)(
            const int64_t*, Py_ssize_t, Py_ssize_t, int, const int64_t*, uint64_t*) noexcept nogil
        Py_ssize_t (*next_i32)(
            const int32_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, int, const int32_t*) noexcept nogil
        Py_ssize_t (*next_i64)(
            const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t, int, const int64_t*) noexcept nogil
        void (*peak_i32)(
            const int32_t*, Py_ssize_t, int, int32_t*, Py_ssize_t) noexcept nogil
        void (*peak_i64)(
            const int64_t*, Py_ssize_t, int, int64_t*, Py_ssize_t) noexcept nogil
    pyscale_loops_t pyscale_loops
    int pyscale_use_loops(int want_avx2) noexcept
    int pyscale_uses_avx2() noexcept

pyscale_use_loops(1)


cdef uint64_t fit_word_32(
    const int32_t* room, Py_ssize_t stride, int n, int n_resources, const int32_t* request
) noexcept nogil:
    return pyscale_loops.word_i32(room, stride, n, n_resources, request)


cdef uint64_t fit_word_64(
    const int64_t* room, Py_ssize_t stride, int n, int n_resources, const int64_t* request
) noexcept nogil:
    return pyscale_loops.word_i64(room, stride, n, n_resources, request)


cdef Py_ssize_t next_fit_32(
    const int32_t* room, Py_ssize_t stride, Py_ssize_t start, Py_ssize_t stop, int n_resources,
    const int32_t* request,
) noexcept nogil:
    return pyscale_loops.next_i32(room, stride, start, stop, n_resources, request)


cdef Py_ssize_t next_fit_64(
    const int64_t* room, Py_ssize_t stride, Py_ssize_t start, Py_ssize_t stop, int n_resources,
    const int64_t* request,
) noexcept nogil:
    return pyscale_loops.next_i64(room, stride, start, stop, n_resources, request)


cdef void peak_32(
    const int32_t* room, Py_ssize_t stride, int n_resources, int32_t* peak, Py_ssize_t peak_stride
) noexcept nogil:
    pyscale_loops.peak_i32(room, stride, n_resources, peak, peak_stride)


cdef void peak_64(
    const int64_t* room, Py_ssize_t stride, int n_resources, int64_t* peak, Py_ssize_t peak_stride
) noexcept nogil:
    pyscale_loops.peak_i64(room, stride, n_resources, peak, peak_stride)


def simd_path():
    """Name the vector path in use: ``"avx2"`` or ``"baseline"``."""
    return "avx2" if pyscale_uses_avx2() else "baseline"


def use_simd_path(path):
    """Choose the vector path; for tests and measurements, not while another thread packs.

    Parameters
    ----------
    path : {"avx2", "baseline"}
        The path wanted.

    Returns
    -------
    bool
        Whether this machine has it; if not, nothing changes.
    """
    if path not in ("avx2", "baseline"):
        raise ValueError(f"path must be 'avx2' or 'baseline', found {path!r}")
    return bool(pyscale_use_loops(path == "avx2"))


def comparing(const width_t[:, ::1] requests, width_t[:, ::1] out):
    """Copy requests with every zero replaced by the sentinel that always passes.

    Parameters
    ----------
    requests, out : memoryview of int32 or int64, shape (n_classes, n_resources)
        Requests, and where their comparing form goes.
    """
    cdef Py_ssize_t i, r
    cdef width_t lowest
    if width_t is int32_t:
        lowest = LOWEST_32
    else:
        lowest = LOWEST_64
    for i in range(requests.shape[0]):
        for r in range(requests.shape[1]):
            out[i, r] = requests[i, r] if requests[i, r] else lowest


def fit_mask(const width_t[:, ::1] room, const width_t[::1] request, uint64_t[::1] mask):
    """Set one bit per node that has room.

    Parameters
    ----------
    room : memoryview of int32 or int64, shape (n_resources, n_nodes)
        Room left.
    request : memoryview, shape (n_resources,)
        Comparing form.
    mask : memoryview of uint64, shape (ceil(n_nodes / 64),)
        Node ``64 * i + j`` is bit ``j`` of word ``i``.
    """
    cdef Py_ssize_t n = room.shape[1]
    if n == 0:
        return
    with nogil:
        if width_t is int32_t:
            pyscale_loops.mask_i32(
                &room[0, 0], n, n, <int>room.shape[0], &request[0], &mask[0])
        else:
            pyscale_loops.mask_i64(
                &room[0, 0], n, n, <int>room.shape[0], &request[0], &mask[0])


def next_fit(
    const width_t[:, ::1] room, const width_t[::1] request, Py_ssize_t start, Py_ssize_t stop
):
    """Find the first node in ``start .. stop - 1`` that has room.

    Parameters
    ----------
    room : memoryview of int32 or int64, shape (n_resources, n_nodes)
        Room left.
    request : memoryview, shape (n_resources,)
        Comparing form.
    start, stop : int
        Half-open range of nodes, within the table.

    Returns
    -------
    int
        Node, or -1.
    """
    cdef Py_ssize_t node
    if start >= stop:
        return -1
    with nogil:
        if width_t is int32_t:
            node = pyscale_loops.next_i32(
                &room[0, 0], room.shape[1], start, stop, <int>room.shape[0], &request[0])
        else:
            node = pyscale_loops.next_i64(
                &room[0, 0], room.shape[1], start, stop, <int>room.shape[0], &request[0])
    return node


def copies(
    const width_t[:, ::1] room, const width_t[::1] request, int64_t most, int64_t[::1] out
):
    """Count how many copies of one request every node takes, ``most`` at the utmost.

    Parameters
    ----------
    room : memoryview of int32 or int64, shape (n_resources, n_nodes)
        Room left; may be negative.
    request : memoryview, shape (n_resources,)
        Subtracting form: zeros stay zeros, and are ignored.
    most : int
        Upper limit, which is the answer for a request of nothing.
    out : memoryview of int64, shape (n_nodes,)
        Copies per node.
    """
    cdef Py_ssize_t node
    cdef Py_ssize_t n = room.shape[1]
    cdef int64_t here
    with nogil:
        for node in range(n):
            here = copies_of(&room[0, node], n, <int>room.shape[0], &request[0], most)
            out[node] = here if here > 0 else 0


def greatest_divisors(const int64_t[:, ::1] requests, int64_t[::1] out):
    """Find the greatest common divisor of each column; 0 for a column of zeros.

    Parameters
    ----------
    requests : memoryview of int64, shape (n_classes, n_resources)
        Not negative.
    out : memoryview of int64, shape (n_resources,)
        Divisors.

    Notes
    -----
    Dividing the requests by them and rounding room down loses nothing: every sum of requests is a
    multiple of the divisor.
    """
    cdef Py_ssize_t i, r
    cdef int64_t a, b
    for r in range(requests.shape[1]):
        a = 0
        for i in range(requests.shape[0]):
            b = requests[i, r]
            while b:
                a, b = b, a % b
            if a == 1:
                break
        out[r] = a
