import gzip
import os

import pytest
from trace_samples import SAMPLES

from pyscale import traces
from pyscale.errors import TraceError
from pyscale.traces.registry import FORMATS


@pytest.fixture(params=sorted(SAMPLES))
def sample(request, tmp_path):
    name, content = SAMPLES[request.param]
    path = tmp_path / name
    path.write_bytes(content)
    return request.param, path


def test_every_format_has_a_sample():
    assert {*SAMPLES, "openb-nodes"} == set(FORMATS)
    assert [entry.name for entry in traces.list_formats()] == list(FORMATS)


def test_a_format_is_told_from_the_content(sample):
    name, path = sample
    assert traces.sniff_format(path) == name
    trace = traces.load_trace(path)
    assert trace.metadata["format"] == name
    assert trace.metadata["file"] == path.name
    assert trace.pods.n_pods > 0


def test_a_named_format_is_read_whatever_the_files_name(sample, tmp_path):
    name, path = sample
    if name == "kubernetes":
        pytest.skip("manifests are JSON or YAML by their name or content")
    other = path.rename(tmp_path / "data.bin")
    assert traces.load_trace(other, format=name).pods.n_pods > 0


def test_a_compressed_file_is_read_like_a_plain_one(sample, tmp_path):
    name, path = sample
    if name in ("opendc", "azure-vm"):
        pytest.skip("compressed already")
    other = tmp_path / f"{path.name}.gz"
    other.write_bytes(gzip.compress(path.read_bytes()))
    assert traces.load_trace(other).digest() == traces.load_trace(path).digest()


def test_a_truncated_gzip_file_is_refused(sample, tmp_path):
    name, path = sample
    if name == "opendc":
        pytest.skip("Parquet is not compressed as a whole")
    content = path.read_bytes() if name == "azure-vm" else gzip.compress(path.read_bytes())
    other = tmp_path / f"cut-{path.name.removesuffix('.gz')}.gz"
    other.write_bytes(content[:-9])
    with pytest.raises(TraceError, match=r"cut-.*gzip"):
        traces.load_trace(other, format=name)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_what_is_no_file_is_refused(tmp_path, name):
    (tmp_path / "empty").touch()
    for path, message in (
        (tmp_path, "expected a file, found a directory"),
        (tmp_path / "none", "no such file"),
        (tmp_path / "empty", "expected a trace, found an empty file"),
        ("a\0b", "cannot be read: embedded null byte"),
    ):
        with pytest.raises(TraceError) as caught:
            traces.load_trace(path, format=name)
        assert str(caught.value) == f"{os.fspath(path)}: {message}"


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"format: expected one of openb, .*, found 'csv'"):
        traces.load_trace(tmp_path / "x", format="csv")
    path = tmp_path / "x.txt"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(
        TraceError,
        match=r"x.txt: the format is not known; name it by format= or --trace-format, one of",
    ):
        traces.load_trace(path)
