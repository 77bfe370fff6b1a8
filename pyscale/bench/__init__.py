"""The figures we claim, measured here and now: one module per benchmark, rows in its ``ROWS``."""

from pyscale.bench._frame import BenchRow as BenchRow
from pyscale.bench._frame import Row as Row
from pyscale.bench._frame import Work as Work
from pyscale.bench._frame import names as names
from pyscale.bench._frame import rows_of as rows_of
from pyscale.bench._frame import run as run
