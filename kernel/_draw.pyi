from typing import final

@final
class Draw:
    def __init__(self, seed: int) -> None: ...
