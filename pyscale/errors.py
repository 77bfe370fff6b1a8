"""What a caller of pyscale may want to catch."""

from __future__ import annotations


class PyscaleError(Exception):
    """Base of every error that pyscale raises on purpose."""


class UnsupportedError(PyscaleError):
    """A feature of the real program that pyscale does not have (yet).

    Parameters
    ----------
    feature : str
        The feature in the words of the field, for example ``"volume binding"``.
    where : str, optional
        The object that asks for it.
    """

    def __init__(self, feature: str, where: str = "") -> None:
        super().__init__(feature, where)
        self.feature = feature
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.feature} is not supported"


class InvalidObjectError(PyscaleError, ValueError):
    """An object that an API server would refuse, or that cannot be read.

    Parameters
    ----------
    where : str
        File, object name and field path, as far as they are known,
        for example ``"pod web-0: $.spec.containers[0].resources.requests.cpu"``.
    problem : str
        What was expected and what was found.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(where, problem)
        self.where = where
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" if self.where else self.problem


class TraceError(PyscaleError, ValueError):
    """A trace or table that cannot be read.

    Parameters
    ----------
    file : str
        The file's path as the caller gave it.
    problem : str
        What was expected and what was found.
    row : int, optional
        Row in the file, counted from 1, the header included.
    field : str, optional
        Column name.
    """

    def __init__(self, file: str, problem: str, row: int | None = None, field: str = "") -> None:
        super().__init__(file, problem, row, field)
        self.file = file
        self.problem = problem
        self.row = row
        self.field = field

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.field:
            place += f", {self.field}"
        return f"{place}: {self.problem}"


class MissingDependencyError(PyscaleError, ImportError):
    """An optional library that the called feature needs is not installed.

    Parameters
    ----------
    library : str
        The missing library.
    extra : str
        The extra of pyscale that brings it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is missing: run 'pip install pyscale[{extra}]'")
        self.library = library
        self.extra = extra

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.library, self.extra)
