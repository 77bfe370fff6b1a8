"""Grid Workload Format: jobs of workflows with their dependencies."""

from __future__ import annotations

import numpy as np

from pyscale.model.resources import CPU, NANO

from .assemble import Rows, assemble
from .columns import Column
from .csv_table import Layout, read_csv
from .files import PathLike
from .templates import make_template
from .trace import Trace
from .units import SECOND_NS, group_rows

FORMAT = "gwf"

LAYOUT = Layout(
    (
        Column("WorkflowID"),
        Column("JobID"),
        Column("SubmitTime"),
        Column("RunTime"),
        Column("NProcs", minimum=-1),
        Column("ReqNProcs", minimum=-1),
        Column("Dependencies", "text"),
    )
)

_MOST = 1 << 32


def read_gwf(path: PathLike) -> Trace:
    """Read a log in the comma-separated Grid Workload Format.

    Parameters
    ----------
    path : str or path
        Columns ``WorkflowID``, ``JobID``, ``SubmitTime`` (s), ``RunTime`` (s), ``NProcs``,
        ``ReqNProcs``, ``Dependencies`` (job numbers, separated by blanks).

    Returns
    -------
    Trace
        One row per job: as many pods of one cpu as processors asked, or used where the log does
        not say; owners are the workflows.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.

    Notes
    -----
    A job arrives at its submission, which the log gives with its dependencies met in the original
    system; a slower cluster does not delay it.  The summary counts the jobs with dependencies.
    """
    table = read_csv(path, LAYOUT)
    for name in ("SubmitTime", "RunTime", "NProcs", "ReqNProcs"):
        values = table.integers(name)
        if (values > _MOST).any():
            index = int((values > _MOST).argmax())
            raise table.fail(f"expected a number <= {_MOST}, found {values[index]}", index, name)
    workflow, job = table.integers("WorkflowID"), table.integers("JobID")
    first, _ = group_rows((workflow, job))
    if len(first) != len(job):
        again = np.ones(len(job), dtype=bool)
        again[first] = False
        index = int(again.argmax())
        problem = f"the job {job[index]} of workflow {workflow[index]} occurs twice"
        raise table.fail(problem, index, "JobID")
    asked, used = table.integers("ReqNProcs"), table.integers("NProcs")
    processors = np.where(asked > 0, asked, used)
    keep = processors > 0
    needs = table.texts("Dependencies")
    dependent = np.array([value.strip() not in ("", "-1") for value in needs.values])[needs.codes]
    first_of_workflow, owner_id = group_rows((workflow[keep],))
    pairs = zip(workflow[keep].tolist(), job[keep].tolist(), strict=True)
    rows = Rows(
        templates=[make_template({CPU: NANO}, controller="Job")],
        class_id=np.zeros(int(keep.sum()), dtype=np.int64),
        arrival_ns=table.integers("SubmitTime")[keep] * SECOND_NS,
        duration_ns=table.integers("RunTime")[keep] * SECOND_NS,
        count=processors[keep],
        names=[f"workflow-{first}-job-{second}" for first, second in pairs],
        owner_id=owner_id,
        owners=[f"workflow-{number}" for number in workflow[keep][first_of_workflow].tolist()],
        dropped={"no number of processors": int(np.count_nonzero(~keep))},
        adjusted={"dependencies taken as met at submission": int(np.count_nonzero(dependent))},
    )
    return assemble(path, rows, {"format": FORMAT, "times": "submission; no schedule"})
