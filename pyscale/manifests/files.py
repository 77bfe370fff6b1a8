"""Objects from files: JSON or YAML, one, a List or many documents, plain or gzip'd."""

from __future__ import annotations

import contextlib
import gc
import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pyscale.errors import InvalidObjectError

from ._convert import place
from ._wire import msgspec

GZIP_MAGIC = b"\x1f\x8b"
BYTES_NAME = "<bytes>"


class Manifest(NamedTuple):
    """One object as it was read, and where it came from."""

    kind: str
    api_version: str
    content: Mapping[str, Any]
    where: str


def read_objects(source: str | Path | bytes) -> Iterator[Manifest]:
    """Read the objects of a file, those of Lists one by one.

    Parameters
    ----------
    source : str or Path or bytes
        A path (``.json``, ``.yaml``, ``.yml``, each also ``.gz``; other names are judged by their
        content), or the content itself.

    Yields
    ------
    Manifest
        In the order of the file; ``where`` names file, document (YAML, from 1) and item of a List
        (from 0).

    Raises
    ------
    InvalidObjectError
        The file cannot be read, is empty, damaged or neither JSON nor YAML, or an object has no
        kind.

    Notes
    -----
    JSON is read about a hundred times as fast as YAML.
    """
    name = BYTES_NAME if isinstance(source, bytes) else str(source)
    data = _decompressed(source if isinstance(source, bytes) else _content(source), name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidObjectError(name, f"expected UTF-8, found byte {error.start}") from None
    if not text.strip():
        raise InvalidObjectError(name, "expected Kubernetes objects, found an empty file")
    suffix = Path(name.removesuffix(".gz")).suffix
    looks_like_json = text.lstrip()[0] in "{[" and suffix not in (".yaml", ".yml")
    if suffix == ".json" or looks_like_json:
        try:
            with collector_paused():
                document = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            if suffix == ".json":
                raise InvalidObjectError(name, f"this is not JSON: {error}") from None
        except RecursionError:
            raise InvalidObjectError(name, "nested too deeply") from None
        else:
            yield from _objects(document, name)
            return
    from ._yaml import documents

    found = False
    for number, document in enumerate(documents(text, name), 1):
        if document is not None:
            found = True
            yield from _objects(document, f"{name}, document {number}")
    if not found:
        raise InvalidObjectError(name, "expected Kubernetes objects, found only empty documents")


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collection of cyclic garbage.

    While many objects are made and none is dropped it only walks over them again and again: that
    is five sixths of the time in which a dump of 20,000 pods is decoded.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidObjectError(str(path), f"cannot be read: {reason}") from None


def _decompressed(data: bytes, name: str) -> bytes:
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidObjectError(name, f"a damaged gzip file: {error}") from None


def _objects(
    document: Any, where: str, item_kind: str = "", api_version: str = ""
) -> Iterator[Manifest]:
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield from _objects(item, f"{where}, item {index}", item_kind, api_version)
        return
    if not isinstance(document, Mapping):
        problem = f"expected a Kubernetes object, found {type(document).__name__}"
        raise InvalidObjectError(where, problem)
    kind = document.get("kind") or item_kind
    if not kind or not isinstance(kind, str):
        found = "none" if not kind else repr(kind)
        raise InvalidObjectError(
            place("object", document, where, "$.kind"), f"expected a kind, found {found}"
        )
    version = document.get("apiVersion") or api_version
    if not isinstance(version, str):
        problem = f"expected a version such as v1, found {version!r}"
        raise InvalidObjectError(place(kind, document, where, "$.apiVersion"), problem)
    if kind.endswith("List") and "items" in document:
        items = document["items"] or []
        if not isinstance(items, list):
            problem = f"expected a list, found {type(items).__name__}"
            raise InvalidObjectError(place(kind, document, where, "$.items"), problem)
        # the items of a PodList, unlike those of a List, do not repeat kind and version
        typed = kind.removesuffix("List")
        yield from _objects(items, where, typed, version if typed else "")
        return
    yield Manifest(kind, version, document, where)
