"""Rules of one's own: a filter or a score written as a Python function, or in C.

A rule looks at a batch of nodes at once::

    def room_left(offered, requested, request, out):
        for i in range(out.shape[0]):
            free = offered[0, i] - requested[0, i] - request[0]
            out[i] = max(0, free * 100 // offered[0, i])

    profile = Profile(rules=(score_rule(room_left, weight=2),))

``offered`` and ``requested`` have shape (n_resources, n_nodes), ``request`` (n_resources,), all
int64; ``out`` is float64, shape (n_nodes,), to be filled.  Row 0 is cpu in milli-cores, row 1
memory in bytes, row 2 ephemeral storage, then the others in the order in which nodes and pods
brought them; ``requested`` holds, as for LeastAllocated, 100m and 200 MiB for each container that
asks for nothing.  A score lies between 0 and 100; a filter lets a node pass with anything but 0.

Numba compiles the function at first use; without Numba, or with ``jit=False``, it is called on
NumPy arrays.  What a rule answers must follow from its arguments alone: it is kept until the
node changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from pyscale.errors import MissingDependencyError
from pyscale.kernel import _callbacks

MAX_RULE_WEIGHT = 1_000_000
RuleFunction = Callable[[Any, Any, Any, Any], None]


@dataclass(frozen=True)
class UserRule:
    """A rule of a profile.

    Attributes
    ----------
    function : callable, capsule or int
        ``function(offered, requested, request, out)``, or a C function of the signature
        :data:`pyscale.kernel._callbacks.SIGNATURE`: in a capsule of that name, or by its address.
    is_filter : bool
    name : str
        Stands in verdicts, explanations and errors.
    weight : int
        Of a score.
    jit : bool or None
        Whether Numba compiles a Python function; None: if Numba is there.
    """

    function: Any
    is_filter: bool
    name: str
    weight: int = 1
    jit: bool | None = None

    def compiled(self) -> _callbacks.Rule:
        """Return the rule as the kernel calls it.

        Raises
        ------
        TypeError
            The function has another signature, or Numba cannot compile it.
        MissingDependencyError
            ``jit`` is True and Numba is not installed.
        """
        if isinstance(self.function, int):
            return _callbacks.rule_of_address(
                self.name, self.is_filter, self.weight, self.function, self.function
            )
        if not callable(self.function):
            return _callbacks.rule_of_capsule(self.name, self.is_filter, self.weight, self.function)
        _check_signature(self.name, self.function)
        if self._uses_numba():
            from pyscale.kernel._jit import compile_rule

            address, kept = compile_rule(self.function)
            return _callbacks.rule_of_address(
                self.name, self.is_filter, self.weight, address, kept, "Numba"
            )
        return _callbacks.rule_of_function(self.name, self.is_filter, self.weight, self.function)

    def _uses_numba(self) -> bool:
        if self.jit is False:
            return False
        if find_spec("numba") is None:
            if self.jit:
                raise MissingDependencyError("numba", "jit")
            return False
        from pyscale.kernel._jit import can_compile

        return bool(can_compile())


def score_rule(
    function: Any, *, weight: int = 1, name: str = "", jit: bool | None = None
) -> UserRule:
    """Make a score of a function.

    Raises
    ------
    ValueError
        The weight is out of range.
    """
    if not 1 <= weight <= MAX_RULE_WEIGHT:
        raise ValueError(f"weight: expected 1 to {MAX_RULE_WEIGHT}, found {weight}")
    return UserRule(function, False, name or _name(function), weight, jit)


def filter_rule(function: Any, *, name: str = "", jit: bool | None = None) -> UserRule:
    """Make a filter of a function."""
    return UserRule(function, True, name or _name(function), 0, jit)


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", "rule"))


def _check_signature(name: str, function: Any) -> None:
    code = getattr(function, "__code__", None)
    if code is not None and code.co_argcount != 4:
        raise TypeError(
            f"rule {name!r}: expected function(offered, requested, request, out), found "
            f"{code.co_argcount} arguments"
        )
