"""Which quirks of upstream are reproduced and which are repaired, and who wins a tie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pyscale.errors import InvalidObjectError

STRICT, SANE = "strict", "sane"

#: How much of upstream is reproduced: all, all but its quirks, or all but the named quirks.
Parity: TypeAlias = str | Iterable[str]

VOLUME_LOOKUP = "volume-lookup"
NODE_LIMIT = "node-limit"
DAEMON_OVERHEAD = "daemon-overhead"
DAEMON_TERMS = "daemon-terms"
EXCLUDED_DOMAINS = "excluded-domains"
MIN_DOMAINS = "min-domains"
NODE_FILTER = "node-filter"
NIL_SELECTOR = "nil-selector"
UNSTABLE_SORT = "unstable-sort"

#: What ``parity="sane"`` repairs: the name of each quirk -> what happens instead.
QUIRKS = {
    VOLUME_LOOKUP: "a pod whose volume can't be looked up finds no place",
    NODE_LIMIT: "a limit on nodes is used up within a round",
    DAEMON_OVERHEAD: "the least daemon overhead counts groups without daemons",
    DAEMON_TERMS: "each type is held against a daemon's whole affinity",
    EXCLUDED_DOMAINS: "values that a requirement excludes are no topology domains",
    MIN_DOMAINS: "spread constraints that differ in minDomains count for themselves",
    NODE_FILTER: "spread constraints whose node filters differ count for themselves",
    NIL_SELECTOR: "a spread constraint without a selector counts no pod",
    UNSTABLE_SORT: "what is equal keeps its order",
}

LEXICOGRAPHIC, RANDOM = "lexicographic", "random"


def repaired_quirks(parity: Parity) -> frozenset[str]:
    """Return the quirks that are repaired.

    Raises
    ------
    InvalidObjectError
        For an unknown word.

    Examples
    --------
    >>> sorted(repaired_quirks(["node-limit"])), len(repaired_quirks("strict"))
    (['node-limit'], 0)
    """
    if parity == STRICT:
        return frozenset()
    if parity == SANE:
        return frozenset(QUIRKS)
    if isinstance(parity, str):
        problem = f"expected {STRICT}, {SANE} or names of quirks, found {parity!r}"
        raise InvalidObjectError("parity", problem)
    names = frozenset(parity)
    unknown = sorted(names - set(QUIRKS))
    if unknown:
        expected = ", ".join(QUIRKS)
        raise InvalidObjectError("parity", f"expected some of {expected}, found {unknown[0]!r}")
    return names


@dataclass(frozen=True)
class TieBreak:
    """Who comes first where upstream iterates over a hash map.

    ``seed`` None is the order of names; a number is an order that it draws, the same throughout.
    """

    seed: int | None = None

    def key(self, name: str) -> tuple[bytes, str]:
        """Return what to sort a name by."""
        if self.seed is None:
            return b"", name
        drawn = hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=8)
        return drawn.digest(), name


BY_NAME = TieBreak()


def tie_break_of(word: str, seed: int) -> TieBreak:
    """Return the tie break that two options name.

    Raises
    ------
    InvalidObjectError
        For an unknown word.
    """
    if word not in (LEXICOGRAPHIC, RANDOM):
        problem = f"expected {LEXICOGRAPHIC} or {RANDOM}, found {word!r}"
        raise InvalidObjectError("tie_break", problem)
    return TieBreak(seed if word == RANDOM else None)
