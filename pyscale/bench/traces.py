"""``pyscale bench traces``: reading and generating traces.

The public files are read where ``PYSCALE_DATA`` names a folder that holds them; otherwise files of
the same size and shape, generated here.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pyscale.bench._frame import Row, Work
from pyscale.traces import Trace, load_example, load_trace, stream_table
from pyscale.traces.datasets.download import public_copy
from pyscale.traces.generators.integers import Integers

Answer = tuple[int, int, str]

TABLE_ROWS = 1_000_000

_TASKS = 31_756
_OPENB_PODS = 8_152


def scratch_folder() -> Path:
    """Return a folder of this process, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="pyscale-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def answer_of(trace: Trace) -> Answer:
    """Rows, pods and digest of a trace."""
    return len(trace), trace.pods.n_pods, trace.digest()


def write_alibaba_2017(path: Path) -> Path:
    """Write a file like the public extract: as many tasks, instances and classes."""
    draw = Integers(2017, 0)
    submit, cpu = draw.below(60_000, _TASKS), draw.between(4, 13, _TASKS)
    duration, memory = draw.lognormal(90_000, 65_536, _TASKS), draw.between(27, 94, _TASKS)
    instances = draw.lognormal(30, 2 * 65_536, _TASKS)
    lines = [",submit_time,duration,cpu,memory,job_id,task_id,instances_num,disk\n"]
    columns = (submit, duration, cpu, memory, instances)
    for number, (at, ms, tenths, part, count) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        lines.append(
            f"{number},{at},{ms / 1000},{tenths / 10},{part / 10_000},{number // 6},{number},"
            f"{count},0\n"
        )
    path.write_text("".join(lines))
    return path


def write_openb(path: Path) -> Path:
    """Write as many pods as openb's default list has, of as many sizes."""
    draw = Integers(2023, 0)
    at = np.sort(draw.below(12_900_000, _OPENB_PODS))
    length = draw.lognormal(6_000, 2 * 65_536, _OPENB_PODS)
    size, share = draw.between(1, 48, _OPENB_PODS), draw.between(0, 4, _OPENB_PODS)
    qos = draw.below(2, _OPENB_PODS)
    lines = [
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
        "creation_time,deletion_time,scheduled_time\n"
    ]
    columns = (at, length, size, share, qos)
    for number, (start, seconds, cores, part, kind) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        lines.append(
            f"openb-pod-{number:04d},{cores * 1000},{cores * 2048},{int(part > 0)},{part * 250},,"
            f"{('LS', 'BE')[kind]},Running,{start},{start + seconds},{start}\n"
        )
    path.write_text("".join(lines))
    return path


def write_table_file(path: Path) -> Path:
    """Write a generic table of a million rows in the order of arrival."""
    draw = Integers(1, 9)
    columns = (draw.below(3, TABLE_ROWS), draw.below(1000, TABLE_ROWS), draw.below(9, TABLE_ROWS))
    lines = ["arrival_ms,duration_ms,cpu,memory,owner\n"]
    time = 0
    for gap, length, kind in zip(*(column.tolist() for column in columns), strict=True):
        time += gap
        lines.append(f"{time},{length},{100 * (kind + 1)}m,{kind + 1}Gi,app-{length % 50}\n")
    path.write_text("".join(lines))
    return path


def reading(
    public: tuple[str, str], expected: Answer, make: Callable[[Path], Path], generated: Answer
) -> Callable[[Path | None], Work]:
    """Read a public file, or one like it."""

    def prepare(golden: Path | None) -> Work:
        path = public_copy(*public)
        if path is not None:
            return Work(lambda: load_trace(path), expected, answer_of)
        own = make(scratch_folder() / public[1])
        return Work(lambda: load_trace(own), generated, answer_of)

    return prepare


def streaming(expected: tuple[int, int]) -> Callable[[Path | None], Work]:
    """Read a large table piece by piece."""

    def prepare(golden: Path | None) -> Work:
        path = write_table_file(scratch_folder() / "table.csv")

        def run() -> tuple[int, int]:
            rows = checksum = 0
            for piece in stream_table(path, rows=100_000):
                rows += len(piece)
                checksum += int(piece.pods.duration_ns.sum() // 1_000_000)
            return rows, checksum

        return Work(run, expected)

    return prepare


def generating(name: str, expected: Answer, **parameters: Any) -> Callable[[Path | None], Work]:
    """Generate a bundled example."""

    def prepare(golden: Path | None) -> Work:
        return Work(lambda: load_example(name, **parameters), expected, answer_of)

    return prepare


ROWS = (
    Row(
        "traces/alibaba-2017",
        "read 2.55 million instances in 31,756 groups",
        reading(
            ("alibaba-2017", "v2017_batch_tasks_cloudsimpy.csv"),
            (31756, 2551075, "0ce6bc005b7bc1d2ebabe448cc9b23fa3a58fd01084e45f3e637a7cadd34db90"),
            write_alibaba_2017,
            (31756, 2495184, "1600a5537c1c4cd34aba1bf53672156619eef3d7aae39acec55157bbf1628e27"),
        ),
        target_seconds=1.0,
    ),
    Row(
        "traces/openb",
        "read 8,152 pods of openb's default list",
        reading(
            ("openb", "openb_pod_list_default.csv"),
            (8152, 8152, "b2a18f8ddbc311fa9134bd9c9f98262c2c576d7d1d571e02c2e426c614c93be6"),
            write_openb,
            (8152, 8152, "c22d95689b9b65fa3018987817aff12ed4571755ac071afb7873c89e618c9b8f"),
        ),
        target_seconds=0.2,
    ),
    Row(
        "traces/stream",
        "stream a generic table of 1,000,000 rows, 100,000 at a time",
        streaming((1000000, 499470901)),
        repeats=3,
    ),
    Row(
        "traces/generate",
        "generate web-and-batch with 1,000,000 pods and their load signals",
        generating(
            "web-and-batch",
            (3801, 1000000, "5752785548bb1dfd01b2a24b2826c64a092c3f843ea10d0c83f15e10b9f67e15"),
            n_pods=1_000_000,
        ),
    ),
)
