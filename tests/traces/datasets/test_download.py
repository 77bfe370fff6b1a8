import hashlib
import http.server
import re
import threading
from dataclasses import replace

import pytest

from pyscale.errors import TraceError
from pyscale.traces import datasets
from pyscale.traces.datasets import download
from pyscale.traces.datasets.registry import DATASETS, Dataset, DatasetFile

CONTENT = bytes(range(256)) * 4000


class Server(http.server.BaseHTTPRequestHandler):
    ranges = True
    cut = None
    seen: list[str | None]

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.seen.append(wanted)
        if self.path != "/table.csv":
            self.send_error(404, "Not Found")
            return
        first = 0
        if wanted and self.server.ranges:
            first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if first >= len(CONTENT):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) - first))
        self.end_headers()
        self.wfile.write(CONTENT[first:][: self.server.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.seen, server.ranges, server.cut = [], True, None
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def dataset(server, monkeypatch):
    monkeypatch.delenv(download.DATA_VARIABLE, raising=False)
    file = DatasetFile(
        "table.csv",
        f"http://127.0.0.1:{server.server_port}/table.csv",
        hashlib.sha256(CONTENT).hexdigest(),
        len(CONTENT),
    )
    value = Dataset("tiny", "A table", "table", "table.csv", (file,), "none", "nobody", "nowhere")
    monkeypatch.setitem(DATASETS, "tiny", value)
    return value


def replace_file(monkeypatch, dataset, **changes):
    file = replace(dataset.files[0], **changes)
    monkeypatch.setitem(DATASETS, "tiny", replace(dataset, files=(file,)))


def test_a_download_is_checked_and_kept(server, dataset, tmp_path):
    steps = []
    path = datasets.fetch("tiny", cache=tmp_path, progress=lambda *step: steps.append(step))
    assert path == tmp_path / "tiny" / "table.csv"
    assert path.read_bytes() == CONTENT
    assert steps[-1] == ("table.csv", len(CONTENT), len(CONTENT))
    assert datasets.fetch("tiny", cache=tmp_path) == path
    assert len(server.seen) == 1
    assert [entry.name for entry in path.parent.iterdir()] == ["table.csv"]


def test_a_cut_download_is_resumed_where_it_ended(server, dataset, tmp_path):
    server.cut = 1000
    with pytest.raises(TraceError, match=r"the download failed: the connection ended after 1000 "):
        datasets.fetch("tiny", cache=tmp_path)
    assert (tmp_path / "tiny" / "table.csv.part").stat().st_size == 1000
    server.cut = None
    assert datasets.fetch("tiny", cache=tmp_path).read_bytes() == CONTENT
    assert server.seen == [None, "bytes=1000-"]


def test_a_server_that_ignores_ranges_starts_anew(server, dataset, tmp_path):
    server.ranges = False
    part = tmp_path / "tiny" / "table.csv.part"
    part.parent.mkdir()
    part.write_bytes(b"something else")
    assert datasets.fetch("tiny", cache=tmp_path).read_bytes() == CONTENT


def test_a_whole_part_is_put_in_place(server, dataset, tmp_path):
    part = tmp_path / "tiny" / "table.csv.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert datasets.fetch("tiny", cache=tmp_path).read_bytes() == CONTENT
    assert not part.exists()


def test_a_part_longer_than_the_file_is_dropped(server, dataset, tmp_path):
    part = tmp_path / "tiny" / "table.csv.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT + b"x")
    assert datasets.fetch("tiny", cache=tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(server, dataset, tmp_path, monkeypatch):
    replace_file(monkeypatch, dataset, sha256="0" * 64)
    with pytest.raises(TraceError, match=r"table.csv: expected SHA-256 0{64}, found [0-9a-f]{64}"):
        datasets.fetch("tiny", cache=tmp_path)
    assert list((tmp_path / "tiny").iterdir()) == []


def test_the_first_download_without_checksum_is_remembered(server, dataset, tmp_path, monkeypatch):
    replace_file(monkeypatch, dataset, sha256=None)
    path = datasets.fetch("tiny", cache=tmp_path)
    assert datasets.fetch("tiny", cache=tmp_path) == path
    path.write_bytes(b"changed")
    with pytest.raises(TraceError, match="expected SHA-256"):
        datasets.fetch("tiny", cache=tmp_path)


def test_a_missing_file_on_the_server_is_named(server, dataset, tmp_path, monkeypatch):
    replace_file(monkeypatch, dataset, url=dataset.files[0].url + "x")
    with pytest.raises(TraceError, match=r"/table.csvx: the server answers 404 Not Found"):
        datasets.fetch("tiny", cache=tmp_path)


def test_an_unreachable_server_is_one_clear_error(dataset, tmp_path, monkeypatch):
    replace_file(monkeypatch, dataset, url="http://127.0.0.1:9/table.csv")
    with pytest.raises(TraceError, match=r"http://127.0.0.1:9/table.csv: the download failed"):
        datasets.fetch("tiny", cache=tmp_path)


def test_a_local_copy_is_used_without_network(server, dataset, tmp_path, monkeypatch):
    copy = tmp_path / "copies" / "some" / "table.csv"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    monkeypatch.setenv(download.DATA_VARIABLE, str(tmp_path / "copies"))
    assert datasets.fetch("tiny", cache=tmp_path / "cache") == copy
    assert server.seen == []
    copy.write_bytes(b"changed")
    with pytest.raises(TraceError, match="expected SHA-256"):
        datasets.fetch("tiny", cache=tmp_path / "cache")


def test_the_cache_is_the_users_cache_folder():
    assert datasets.cache_folder().parts[-2:] == ("pyscale", "datasets")


def test_an_unknown_dataset_is_refused():
    with pytest.raises(ValueError, match=r"expected one of alibaba-2017, .*, found 'opensea'"):
        datasets.fetch("opensea")


def test_every_dataset_is_described():
    for dataset in datasets.list_datasets():
        assert dataset.file(dataset.main) in dataset.files
        assert dataset.licence
        assert dataset.cite
        for file in dataset.files:
            assert file.url.startswith("https://")
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
