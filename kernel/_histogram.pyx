"""Bucketed usage histograms with decay, many side by side.

Follows kubernetes/autoscaler ``vertical-pod-autoscaler/pkg/recommender/util``: ``histogram.go``,
``decaying_histogram.go``, ``histogram_options.go``.  Times are int64 seconds since the Unix epoch;
weights and values are float64, summed in upstream's order.
"""

from libc.math cimport ceil, floor, frexp, ldexp, log, pow
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

cdef int64_t ZERO_TIME = -62135596800  # the first instant of year 1, Go's zero time
cdef double CHECKPOINT_LARGEST_WEIGHT = 10000.0
cdef int64_t MOST_HALF_LIVES = 100


cdef double repeated_squaring_power(double base, int exponent) noexcept nogil:
    # Go's math.Pow: the C library's differs in the last bit, which truncation and the confidence
    # factor turn into hundreds of bytes.
    cdef double result = 1.0, fraction
    cdef int result_exponent = 0, binary_exponent = 0
    fraction = frexp(base, &binary_exponent)
    while exponent:
        if exponent & 1:
            result *= fraction
            result_exponent += binary_exponent
        fraction *= fraction
        binary_exponent *= 2
        if fraction < 0.5:
            fraction += fraction
            binary_exponent -= 1
        exponent >>= 1
    return ldexp(result, result_exponent)


cdef struct Row:
    double* weights
    double total
    int64_t reference
    int32_t lowest
    int32_t highest


cdef class HistogramBank:
    """Histograms with the same buckets; a row is one histogram.

    Parameters
    ----------
    first : float
        Width of the first bucket.
    maximum : float
        Values at or above it fall into the last bucket.
    ratio : float
        Each bucket is this many times wider than the one before; 1 makes them equally wide.
    epsilon : float
        A weight below it counts as nothing.
    half_life : int
        Seconds in which the weight of a sample halves; 0 for no decay.
    """

    cdef Row* rows
    cdef Py_ssize_t capacity
    cdef double* starts
    cdef double first
    cdef double ratio
    cdef double log_ratio
    cdef double epsilon
    cdef readonly int64_t half_life
    cdef readonly Py_ssize_t n_rows
    cdef readonly int32_t n_buckets

    def __cinit__(
        self, double first, double maximum, double ratio, double epsilon, int64_t half_life
    ):
        cdef int32_t b
        if first <= 0 or maximum < first:
            raise ValueError(f"expected 0 < first <= maximum, found {first} and {maximum}")
        if ratio < 1 or epsilon <= 0 or half_life < 0:
            raise ValueError(
                "expected ratio >= 1, epsilon > 0 and half_life >= 0, "
                f"found {ratio}, {epsilon}, {half_life}"
            )
        self.first = first
        self.ratio = ratio
        self.log_ratio = log(ratio)
        self.epsilon = epsilon
        self.half_life = half_life
        self.n_buckets = <int32_t>ceil(self._position(maximum)) + 1
        self.starts = <double*>malloc((self.n_buckets + 1) * sizeof(double))
        if self.starts == NULL:
            raise MemoryError
        for b in range(self.n_buckets + 1):
            self.starts[b] = self._start(b)

    def __dealloc__(self):
        cdef Py_ssize_t r
        for r in range(self.n_rows):
            free(self.rows[r].weights)
        free(self.rows)
        free(self.starts)

    cdef double _position(self, double value) noexcept nogil:
        if self.ratio == 1.0:
            return value / self.first
        return log(value * (self.ratio - 1) / self.first + 1) / self.log_ratio

    cdef double _start(self, int32_t bucket) noexcept nogil:
        if self.ratio == 1.0:
            return bucket * self.first
        if bucket == 0:
            return 0.0
        return self.first * (repeated_squaring_power(self.ratio, bucket) - 1) / (self.ratio - 1)

    cdef int32_t _find(self, double value) noexcept nogil:
        cdef double position
        if value < self.first:
            return 0
        position = floor(self._position(value))
        if position >= self.n_buckets - 1:
            return self.n_buckets - 1
        return <int32_t>position

    cdef Row* _row(self, Py_ssize_t row) except NULL:
        if not 0 <= row < self.n_rows:
            raise IndexError(f"row must be in 0..{self.n_rows - 1}, found {row}")
        return &self.rows[row]

    def new(self):
        """Append an empty histogram and return its row."""
        cdef Row* grown
        cdef Py_ssize_t capacity
        if self.n_rows == self.capacity:
            capacity = max(16, 2 * self.capacity)
            grown = <Row*>realloc(self.rows, capacity * sizeof(Row))
            if grown == NULL:
                raise MemoryError
            self.rows = grown
            self.capacity = capacity
        self.rows[self.n_rows].weights = <double*>malloc(self.n_buckets * sizeof(double))
        if self.rows[self.n_rows].weights == NULL:
            raise MemoryError
        self.n_rows += 1
        self.clear(self.n_rows - 1)
        return self.n_rows - 1

    def clear(self, Py_ssize_t row):
        """Make a histogram empty, as a new one is."""
        cdef Row* it = self._row(row)
        memset(it.weights, 0, self.n_buckets * sizeof(double))
        it.total = 0.0
        it.reference = ZERO_TIME
        it.lowest = self.n_buckets - 1
        it.highest = 0

    def find(self, double value):
        """Return the bucket of a value."""
        return self._find(value)

    def start(self, int32_t bucket):
        """Return the value at which a bucket starts."""
        if not 0 <= bucket < self.n_buckets:
            raise IndexError(f"bucket must be in 0..{self.n_buckets - 1}, found {bucket}")
        return self.starts[bucket]

    def is_empty(self, Py_ssize_t row):
        """Whether the histogram holds no weight that counts."""
        return self._is_empty(self._row(row))

    cdef bint _is_empty(self, const Row* it) noexcept nogil:
        return it.weights[it.lowest] < self.epsilon

    cdef double _decay(self, Row* it, int64_t time) noexcept nogil:
        if self.half_life == 0:
            return 1.0
        if time > it.reference + self.half_life * MOST_HALF_LIVES:
            self._shift(it, time)
        return pow(2.0, <double>(time - it.reference) / <double>self.half_life)

    cdef void _shift(self, Row* it, int64_t time) noexcept nogil:
        """Move the reference to the half-life nearest to ``time``, counted from the zero time."""
        cdef int64_t since = time - ZERO_TIME
        cdef int64_t steps = (2 * since + self.half_life) / (2 * self.half_life)
        cdef int64_t reference = steps * self.half_life + ZERO_TIME
        cdef double lives = <double>(it.reference - reference) / <double>self.half_life
        cdef double factor = pow(2.0, floor(lives + 0.5))
        cdef int32_t b
        # Only the buckets between the outermost used ones are scaled, as upstream does.
        for b in range(it.lowest, it.highest + 1):
            it.weights[b] *= factor
        it.total *= factor
        self._trim(it)
        it.reference = reference

    cdef void _trim(self, Row* it) noexcept nogil:
        while it.weights[it.lowest] < self.epsilon and it.lowest < self.n_buckets - 1:
            it.lowest += 1
        while it.weights[it.highest] < self.epsilon and it.highest > 0:
            it.highest -= 1

    cdef void _add(self, Row* it, double value, double weight, int64_t time) noexcept nogil:
        cdef int32_t bucket
        weight *= self._decay(it, time)
        bucket = self._find(value)
        it.weights[bucket] += weight
        it.total += weight
        if it.weights[bucket] >= self.epsilon:
            it.lowest = min(it.lowest, bucket)
            it.highest = max(it.highest, bucket)

    def add(self, Py_ssize_t row, double value, double weight, int64_t time):
        """Add one sample."""
        self._add(self._row(row), value, weight, time)

    def add_many(
        self, const int32_t[::1] rows, const double[::1] values, double weight,
        const int64_t[::1] times
    ):
        """Add samples of one weight, in order.

        Parameters
        ----------
        rows : ndarray of int32, shape (n_samples,)
        values : ndarray of float64, shape (n_samples,)
        weight : float
        times : ndarray of int64, shape (n_samples,)
            Seconds.
        """
        cdef Py_ssize_t s, n = rows.shape[0]
        if values.shape[0] != n or times.shape[0] != n:
            raise ValueError(f"values and times must have shape ({n},)")
        for s in range(n):
            if not 0 <= rows[s] < self.n_rows:
                raise IndexError(f"rows[{s}]: must be in 0..{self.n_rows - 1}, found {rows[s]}")
        with nogil:
            for s in range(n):
                self._add(&self.rows[rows[s]], values[s], weight, times[s])

    cdef double _reduced(self, double weight, double by) noexcept nogil:
        cdef double rest = weight - by
        return 0.0 if rest < self.epsilon else rest

    def subtract(self, Py_ssize_t row, double value, double weight, int64_t time):
        """Take one sample out again."""
        cdef Row* it = self._row(row)
        cdef int32_t bucket
        weight *= self._decay(it, time)
        bucket = self._find(value)
        it.total = self._reduced(it.total, weight)
        it.weights[bucket] = self._reduced(it.weights[bucket], weight)
        self._trim(it)

    def merge(self, Py_ssize_t row, HistogramBank source, Py_ssize_t other):
        """Add all of row ``other`` of ``source`` to ``row``.

        The older of the two is first moved to the younger's reference, even if it is the other.

        Raises
        ------
        ValueError
            If the banks differ in their buckets or half-life.
        """
        cdef Row* it = self._row(row)
        cdef Row* more = source._row(other)
        cdef int32_t b
        if (source.n_buckets != self.n_buckets or source.first != self.first
                or source.ratio != self.ratio or source.half_life != self.half_life):
            raise ValueError("expected a bank with the same buckets and half-life")
        if self.half_life:
            if it.reference < more.reference:
                self._shift(it, more.reference)
            elif more.reference < it.reference:
                self._shift(more, it.reference)
        for b in range(more.lowest, more.highest + 1):
            it.weights[b] += more.weights[b]
        it.total += more.total
        it.lowest = min(it.lowest, more.lowest)
        it.highest = max(it.highest, more.highest)

    cdef double _percentile(self, const Row* it, double share) noexcept nogil:
        cdef double threshold = share * it.total, partial = 0.0
        cdef int32_t bucket = it.lowest
        if self._is_empty(it):
            return 0.0
        while bucket < it.highest:
            partial += it.weights[bucket]
            if partial >= threshold:
                break
            bucket += 1
        # The end of the bucket; the last one has none.
        return self.starts[bucket + 1 if bucket < self.n_buckets - 1 else bucket]

    def percentile(self, Py_ssize_t row, double share):
        """Return the value below which the given share (0 to 1) of the weight lies."""
        return self._percentile(self._row(row), share)

    def percentiles(self, double share, double[::1] values):
        """Fill ``values`` (float64, shape (n_rows,)) with one percentile of every histogram."""
        cdef Py_ssize_t r
        if values.shape[0] != self.n_rows:
            raise ValueError(f"values must have shape ({self.n_rows},)")
        with nogil:
            for r in range(self.n_rows):
                values[r] = self._percentile(&self.rows[r], share)

    def save(self, Py_ssize_t row):
        """Return (weights by bucket, total weight, reference time) as a checkpoint keeps them.

        Weights are scaled so that the largest is 10,000, rounded, and zeros dropped.  The
        reference time is None while it was never set.
        """
        cdef Row* it = self._row(row)
        cdef double largest = 0.0, ratio
        cdef int32_t b
        for b in range(it.lowest, it.highest + 1):
            largest = max(largest, it.weights[b])
        ratio = CHECKPOINT_LARGEST_WEIGHT / largest if largest > 0 else 0.0
        weights = {}
        for b in range(it.lowest, it.highest + 1):
            rounded = <int64_t>floor(it.weights[b] * ratio + 0.5)
            if rounded > 0:
                weights[b] = rounded
        was_set = self.half_life != 0 and it.reference != ZERO_TIME
        return weights, it.total, it.reference if was_set else None

    def load(self, Py_ssize_t row, dict weights, double total, reference):
        """Add a checkpoint, as :meth:`save` returns it, to an empty histogram."""
        cdef Row* it = self._row(row)
        cdef double ratio
        cdef int32_t bucket
        for bucket in weights:
            if not 0 <= bucket < self.n_buckets:
                raise IndexError(f"bucket must be in 0..{self.n_buckets - 1}, found {bucket}")
        it.reference = ZERO_TIME if reference is None else reference
        weight_sum = sum(weights.values())
        if weight_sum == 0:
            return
        ratio = total / <double>weight_sum
        for bucket, weight in weights.items():
            it.weights[bucket] += <double>weight * ratio
            it.lowest = min(it.lowest, bucket)
            it.highest = max(it.highest, bucket)
        it.total += total
        self._trim(it)
