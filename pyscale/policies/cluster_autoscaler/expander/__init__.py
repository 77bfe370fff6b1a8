"""Expanders: which of the scale-up options is taken.

Specification section 4.6; upstream ``expander/``.
"""

from __future__ import annotations

from .chain import Expander as Expander
from .option import Option as Option
from .option import joined as joined
from .price import PodPrice as PodPrice
