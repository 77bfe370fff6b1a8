"""The judge reads recordings, replays them and says what became of each."""

import gzip
import json
from pathlib import Path

import pytest

from pyscale.conformance import Tally, first_difference, judge, judge_case
from pyscale.conformance import judge as judge_module_function
from pyscale.conformance.cases import Case, read_cases
from pyscale.conformance.difference import closest_difference
from pyscale.conformance.judge import PROGRAMS
from pyscale.errors import TraceError

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def write_cases(folder, cases, name="family.jsonl.gz"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    text = "".join(json.dumps(case) + "\n" for case in cases).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def test_bench_folders_are_left_out(tmp_path):
    write_cases(tmp_path / "karpenter", [{"id": "a", "input": {}}])
    write_cases(tmp_path / "karpenter" / "bench", [{"id": "b", "input": {}}])
    assert [json.loads(case.line)["id"] for case in read_cases([tmp_path])] == ["a"]


def test_program_is_the_folder_unless_the_line_says_otherwise(tmp_path):
    write_cases(tmp_path / "karpenter", [{"id": "a", "input": {}}], "x.jsonl")
    (case,) = read_cases([tmp_path])
    assert case.program == "karpenter"


def test_truncated_gzip_is_one_line_with_its_row(tmp_path):
    path = write_cases(tmp_path / "hpa", [{"id": str(i), "input": i} for i in range(1000)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TraceError, match=r"family.jsonl.gz, row \d+: cannot be read"):
        list(read_cases([path]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "row 3: expected a line of JSON"),
        (b"[]", "row 3: expected a JSON object"),
        (b'{"program": "nomad", "input": {}}', "row 3, program: expected one of kube-scheduler"),
        (b'{"program": "hpa"}', "row 3, input: expected a recorded case with an input"),
    ],
)
def test_a_line_that_is_no_case_names_file_row_and_field(line, message):
    with pytest.raises(TraceError, match=message):
        judge_case(Case("f.jsonl", 3, "hpa", line))


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(TraceError, match="no such file or folder"):
        list(judge([tmp_path / "nowhere"]))


def test_a_folder_without_recordings_is_an_error(tmp_path):
    with pytest.raises(TraceError, match="expected files named"):
        list(judge_module_function([tmp_path]))


@pytest.mark.parametrize(
    ("recorded", "ours", "path"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, "$.a[1]"),
        ({"a": 1}, {"a": 1, "b": 2}, "$.b"),
        ([1], [1, 2], "$[1]"),
        (True, 1, "$"),
        (None, 0, "$"),
    ],
)
def test_first_difference_names_the_place(recorded, ours, path):
    assert first_difference(recorded, ours).path == path


def test_equal_values_have_no_difference():
    assert first_difference({"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]}) is None


def test_any_accepted_decision_is_equal():
    assert closest_difference([1, 2, 3], 2) is None


def test_difference_is_taken_to_the_nearest_decision():
    found = closest_difference(
        [{"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 1}], {"a": 2, "b": 2, "c": 2}
    )
    assert found.path == "$.c"


def test_tally_counts_and_sums_up(tmp_path):
    write_cases(tmp_path / "hpa", [{"id": "broken", "input": None, "outcomes": []}])
    tally = Tally()
    for verdict in judge([tmp_path]):
        tally.add(verdict)
    assert not tally.all_equal
    assert tally.summary().endswith("of 1")


def test_everything_in_the_folder_of_recordings_is_a_recording():
    programs = {path.name for path in GOLDEN.iterdir() if path.is_dir()}
    assert programs == set(PROGRAMS)
