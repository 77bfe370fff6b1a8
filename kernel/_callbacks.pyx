"""Rules written by users: a pointer to a C function that looks at a batch of nodes.

One slot takes three kinds of rule: a function compiled by Numba (``_jit.py``), a C or Cython
function in a capsule, and a Python function on NumPy arrays.  The last one takes the GIL and is
called with arrays over the same memory.
"""

from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer, PyCapsule_IsValid
from cpython.ref cimport PyObject
from libc.stdint cimport int32_t, int64_t, uintptr_t

SIGNATURE = (
    "void (const int64_t *, const int64_t *, int64_t, int64_t, int32_t, double *, void *)"
)
"""What the capsule of a C function must be named."""


cdef class Rule:
    """One rule of a profile; made by :func:`rule_of_address` and its siblings."""

    cdef int fail(self, double value) except -1:
        """Raise what is wrong with a rule's answer."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        if value != value:
            raise ValueError(
                f"rule {self.name!r}: the answer is NaN (or the function raised an error)"
            )
        raise ValueError(f"rule {self.name!r}: expected a score from 0 to 100, found {value}")


cdef void call_python(
    const int64_t* table, const int64_t* request, int64_t n, int64_t stride,
    int32_t n_resources, double* out, void* user,
) noexcept nogil:
    with gil:
        call_rule(
            <Rule><PyObject*>user, <int64_t*>table, <int64_t*>request, n, stride, n_resources, out
        )


cdef int call_rule(
    Rule rule, int64_t* table, int64_t* request, int64_t n, int64_t stride,
    int32_t n_resources, double* out,
) noexcept:
    """Call a Python function on arrays; what it raises is kept and the answer stays NaN."""
    cdef int64_t[:, ::1] rows
    cdef int64_t i
    try:
        import numpy as np

        rows = <int64_t[:2 * n_resources, :stride]>table
        view = np.asarray(rows)[:, :n]
        answer = np.full(n, np.nan)
        rule.kept(
            view[:n_resources], view[n_resources:],
            np.asarray(<int64_t[:n_resources]>request), answer,
        )
        if answer.shape != (n,) or answer.dtype != np.float64:
            raise ValueError("the function replaced its output")
        for i in range(n):
            out[i] = answer[i]
    except Exception as error:
        problem = ValueError(f"rule {rule.name!r}: {type(error).__name__}: {error}")
        problem.__cause__ = error
        rule.error = problem
    return 0


cdef Rule new_rule(str name, bint is_filter, int weight, str kind, object kept):
    cdef Rule rule = Rule()
    rule.name = name
    rule.is_filter = is_filter
    rule.weight = weight
    rule.kind = kind
    rule.kept = kept
    return rule


def rule_of_address(
    str name, bint is_filter, int weight, uintptr_t address, object kept, str kind="C"
):
    """Return the rule of a C function's address; ``kept`` is kept alive with it."""
    cdef Rule rule = new_rule(name, is_filter, weight, kind, kept)
    if address == 0:
        raise ValueError(f"rule {name!r}: the address is 0")
    rule.function = <rule_t><void*>address
    return rule


def rule_of_capsule(str name, bint is_filter, int weight, object capsule):
    """Return the rule of a C or Cython function in a capsule named :data:`SIGNATURE`.

    Raises
    ------
    TypeError
        It is no capsule, or its name is another signature.
    """
    cdef Rule rule
    cdef const char* found
    expected = SIGNATURE.encode()
    try:
        found = PyCapsule_GetName(capsule)
    except ValueError:
        raise TypeError(f"rule {name!r}: expected a capsule, found {capsule!r}") from None
    if found == NULL or not PyCapsule_IsValid(capsule, expected):
        shown = "no name" if found == NULL else repr((<bytes>found).decode())
        raise TypeError(f"rule {name!r}: expected a capsule named {SIGNATURE!r}, found {shown}")
    rule = new_rule(name, is_filter, weight, "C", capsule)
    rule.function = <rule_t>PyCapsule_GetPointer(capsule, expected)
    return rule


def rule_of_function(str name, bint is_filter, int weight, object function):
    """Return the rule of a Python function on NumPy arrays."""
    cdef Rule rule = new_rule(name, is_filter, weight, "NumPy", function)
    rule.function = call_python
    rule.user = <void*><PyObject*>rule
    return rule
