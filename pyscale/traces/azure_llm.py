"""Azure LLM inference 2023 to 2025: single requests as a load signal."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError

from .azure_functions import mean_concurrency
from .columns import Column, ColumnTable, shorten
from .csv_table import Layout, read_csv
from .files import PathLike, require_arrow
from .load import Loads, Metric, Workload
from .units import MICROSECOND_NS, SECOND_NS

LAYOUT = Layout(
    (
        Column("TIMESTAMP", "text"),
        Column("ContextTokens"),
        Column("GeneratedTokens"),
        Column("NumImages", required=False),
    )
)

_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_MOST_TOKENS = 1 << 31


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How long one request takes: a fixed part, and parts per token, in microseconds.

    The trace does not tell; the defaults are those of a large model on one modern GPU.
    """

    base_us: int = 50_000
    context_token_us: int = 200
    generated_token_us: int = 30_000

    def of(self, context: NDArray[np.int64], generated: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the service times in ns."""
        us = self.base_us + context * self.context_token_us + generated * self.generated_token_us
        result: NDArray[np.int64] = us * MICROSECOND_NS
        return result


def read_azure_llm(
    path: PathLike,
    *,
    metric: Metric = "tokens_per_second",
    service_time: ServiceTime | None = None,
    step_s: int = 10,
    workload: Workload | None = None,
) -> Loads:
    """Read requests to a language model as a load signal.

    Parameters
    ----------
    path : str or path
        Columns ``TIMESTAMP`` (with up to nine fractional digits), ``ContextTokens``,
        ``GeneratedTokens`` and, in 2025, ``NumImages``.
    metric : str
        ``tokens_per_second`` (context and generated), ``requests_per_second`` or ``concurrency``.
    service_time : ServiceTime, optional
        For ``concurrency``: how long requests take.
    step_s : int
        Length of the steps over which the load is averaged.
    workload : Workload, optional
        Who serves the load; without it one is named after the file.

    Returns
    -------
    Loads
        One workload; time 0 is the first request.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        For another metric, or a ``step_s`` below 1.

    Notes
    -----
    Stamps are read exactly (100 ns) and need not be unique or sorted.
    """
    if metric not in ("tokens_per_second", "requests_per_second", "concurrency"):
        raise ValueError(f"metric: expected tokens, requests or concurrency, found {metric!r}")
    if step_s < 1:
        raise ValueError(f"step_s must be >= 1, found {step_s}")
    table = read_csv(path, LAYOUT)
    if not table.n_rows:
        raise TraceError(os.fspath(path), "expected requests, found none")
    stamps = parse_stamps(table, "TIMESTAMP")
    time = stamps - stamps.min()
    context, generated = table.integers("ContextTokens"), table.integers("GeneratedTokens")
    for name, tokens in (("ContextTokens", context), ("GeneratedTokens", generated)):
        if (tokens > _MOST_TOKENS).any():
            index = int((tokens > _MOST_TOKENS).argmax())
            problem = f"expected a number <= {_MOST_TOKENS}, found {tokens[index]}"
            raise table.fail(problem, index, name)
    step_ns = step_s * SECOND_NS
    if metric == "concurrency":
        series = mean_concurrency(
            time, time + (service_time or ServiceTime()).of(context, generated), step_ns
        )
    else:
        weight = context + generated if metric == "tokens_per_second" else np.ones_like(context)
        series = rates(time, weight, step_s)
    from .assemble import trace_name

    served = workload or Workload(f"default/{trace_name(path)}")
    return Loads.from_series([served], metric, [series])


def rates(
    time_ns: NDArray[np.int64], weight: NDArray[np.int64], step_s: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the weight per second in each step, in thousandths; one step of 0 follows."""
    step = time_ns // (step_s * SECOND_NS)
    n_steps = int(step.max()) + 2
    total = np.zeros(n_steps, dtype=np.int64)
    np.add.at(total, step, weight)
    times = np.arange(n_steps, dtype=np.int64) * (step_s * SECOND_NS)
    return times, (total * 1000 + step_s // 2) // step_s


def parse_stamps(table: ColumnTable, name: str) -> NDArray[np.int64]:
    """Return time stamps as ns since the Unix epoch; those without a zone are taken as UTC.

    Raises
    ------
    TraceError
        For a text that is none, with its row.
    """
    column = table.texts(name)
    arrow: Any = require_arrow()
    import pyarrow.compute as compute

    for code, text in enumerate(column.values):
        if not _STAMP.fullmatch(text.strip()):
            index = int((column.codes == code).argmax())
            raise table.fail(f"expected a time stamp, found {shorten(text)!r}", index, name)
    values = [text.strip() for text in column.values]
    zoned = [value[-6] in "+-" or value.endswith("Z") for value in values]
    texts = [value if zone else f"{value}Z" for value, zone in zip(values, zoned, strict=True)]
    kind = arrow.timestamp("ns", "UTC")
    try:
        whole = compute.cast(arrow.array(texts), kind)
    except arrow.ArrowInvalid:
        for code, text in enumerate(texts):
            try:
                compute.cast(arrow.array([text]), kind)
            except arrow.ArrowInvalid:
                index = int((column.codes == code).argmax())
                raise table.fail(f"expected a time stamp, found {text!r}", index, name) from None
        raise
    stamps: NDArray[np.int64] = whole.cast(arrow.int64()).to_numpy()
    return stamps[column.codes]
