from typing import final

@final
class Sketch: ...
