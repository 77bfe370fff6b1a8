from ._callbacks import Rule
from ._classes import ClassTable

class FilterTable(ClassTable):
    @property
    def rules(self) -> list[Rule]: ...
