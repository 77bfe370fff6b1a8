from typing import Any

from numpy.typing import NDArray

class Placer:
    def add_kind(self, kind: object, allocatable: NDArray[Any]) -> None: ...

class ObjectPlacer(Placer):
    def __init__(self, scheduler: object) -> None: ...
