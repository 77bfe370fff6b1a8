"""Pictures and pages: what a person looks at.

:func:`write_comparison` writes the report of several results side by side.
"""

from __future__ import annotations

from .comparison import comparison_page as comparison_page
from .comparison import write_comparison as write_comparison
from .page import Page as Page
from .page import Section as Section
from .page import Table as Table
