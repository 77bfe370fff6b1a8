from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

class Placer:
    backoff_ns: Sequence[int]
    flush_ns: int
    patience_ns: int
    preempts: bool
    def add_kind(self, kind: object, allocatable: NDArray[Any]) -> None: ...

class ObjectPlacer(Placer):
    def __init__(self, scheduler: object) -> None: ...
