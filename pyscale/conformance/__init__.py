"""Hold pyscale's decisions against recorded decisions of the real programs.

A recording is a line of JSON with an input and the decisions that the real program took on it
(``docs/reference/recordings.md`` has the format).  :func:`judge` replays recordings and says of
each whether pyscale takes the same decision.
"""

from __future__ import annotations

from .cases import Case as Case
from .cases import read_cases as read_cases
from .difference import Difference as Difference
from .difference import first_difference as first_difference
from .judge import PROGRAMS as PROGRAMS
from .judge import Verdict as Verdict
from .judge import judge as judge
from .judge import judge_case as judge_case
from .tally import Tally as Tally
