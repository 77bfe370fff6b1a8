from ._scores import ScoreTable

def use_avx2(wanted: bool) -> bool: ...

class ScanTable(ScoreTable):
    next_start: int
    def __init__(self, interleaved: bool = True) -> None: ...
