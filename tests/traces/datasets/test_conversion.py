import hashlib

import pytest
from trace_samples import SAMPLES

from pyscale import traces
from pyscale.errors import TraceError, UnsupportedError
from pyscale.traces.datasets import convert
from pyscale.traces.datasets.download import DATA_VARIABLE
from pyscale.traces.datasets.registry import DATASETS, Dataset, DatasetFile


def write(tmp_path, name):
    file, content = SAMPLES[name]
    path = tmp_path / file
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["openb", "alibaba-2017", "swf", "azure-vm", "gwf", "opendc"])
def test_a_file_is_converted_to_a_table(tmp_path, name):
    path = write(tmp_path, name)
    target = convert(path, tmp_path / "out.parquet")
    source, again = traces.load_trace(path).pods, traces.load_trace(target).pods
    assert again.n_pods == source.n_pods
    assert again.arrival_ns.tolist() == source.arrival_ns.tolist()
    assert [again.templates[i] for i in again.class_id] == [
        source.templates[i] for i in source.class_id
    ]


def test_what_the_table_cannot_say_is_refused(tmp_path):
    path = write(tmp_path, "google-2011")
    with pytest.raises(UnsupportedError, match="a pod with more than requests"):
        convert(path, tmp_path / "out.csv")
    assert convert(path, tmp_path / "out.csv", anti_affinity=False).exists()


def test_a_load_signal_is_converted_to_a_table(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("app,func,end_timestamp,duration\na,f,90,60\n")
    target = convert(path, tmp_path / "out.csv", format="azure-functions-2021")
    assert traces.read_loads(target).metric == "requests_per_second"


def test_a_dataset_is_fetched_and_converted(tmp_path, monkeypatch):
    path = write(tmp_path, "swf")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    files = (DatasetFile(path.name, "https://none.invalid/log.swf", digest),)
    dataset = Dataset("tiny", "A log", "swf", path.name, files, "none", "nobody", "nowhere")
    monkeypatch.setitem(DATASETS, "tiny", dataset)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    target = convert("tiny", tmp_path / "out.arrow", cpus_per_pod=2)
    assert traces.load_trace(target).pods.n_pods == 5


def test_an_unreadable_file_leaves_no_output(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("arrival_s,cpu\n0,x\n")
    with pytest.raises(TraceError, match=r"row 2, cpu"):
        convert(path, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == [path]
