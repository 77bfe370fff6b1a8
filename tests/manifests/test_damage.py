"""Whatever is done to a manifest, it is an object or one clear error."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies_manifests import VALID, damaged_objects

from pyscale.errors import InvalidObjectError
from pyscale.manifests import load_cluster, read_objects
from pyscale.manifests.cluster_objects import _KINDS
from pyscale.manifests.pods import PodReader


def read(obj: dict[str, Any], validate: bool) -> Any:
    if obj.get("kind") == "Pod":
        return PodReader(validate).read(obj, "file")
    kind = _KINDS.get(str(obj.get("kind")))
    if kind is None:
        raise InvalidObjectError("file", "no such kind")
    return kind[3](obj, "file", validate)


@pytest.mark.parametrize("obj", VALID, ids=lambda obj: str(obj["kind"]))
def test_a_valid_object_of_every_kind_is_read(obj: dict[str, Any]) -> None:
    built = read(obj, validate=True)
    assert built.name == "x"
    assert pickle.loads(pickle.dumps(built)) == built


def test_reading_does_not_change_what_is_read() -> None:
    for obj in VALID:
        before = copy.deepcopy(obj)
        read(obj, validate=True)
        assert obj == before


def test_all_kinds_are_covered() -> None:
    assert {obj["kind"] for obj in VALID} >= {"Pod", *_KINDS} - {"ReplicaSet", "StatefulSet"}


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(damaged_objects(), st.booleans())
def test_a_damaged_object_is_read_or_refused_with_its_place(
    obj: dict[str, Any], validate: bool
) -> None:
    try:
        read(obj, validate)
    except InvalidObjectError as error:
        text = str(error)
        assert text.startswith("file")
        assert "\n" not in text
        return


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(damaged_objects(), min_size=1, max_size=3), st.integers(0, 2000), st.binary(max_size=3)
)
def test_a_damaged_file_is_read_or_refused(
    objects: list[dict[str, Any]], position: int, inserted: bytes
) -> None:
    data = json.dumps({"kind": "List", "apiVersion": "v1", "items": objects}).encode()
    with contextlib.suppress(InvalidObjectError):
        load_cluster(data)
    with contextlib.suppress(InvalidObjectError):
        load_cluster(data[:position] + inserted + data[position + len(inserted) :])


@given(st.text(alphabet="abk:-[]{}&*!|>'\"#%@,? \n\t012eE.~<", max_size=60))
def test_any_text_is_objects_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidObjectError):
        list(read_objects(text.encode()))
