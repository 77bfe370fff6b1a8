"""Pictures and pages: what a person looks at.

:func:`write_comparison` writes the report of several results side by side;
:func:`node_group_section` is the node-group study as a section of it.
"""

from __future__ import annotations

from .comparison import comparison_page as comparison_page
from .comparison import write_comparison as write_comparison
from .node_groups import mixed_group_section as mixed_group_section
from .node_groups import node_group_page as node_group_page
from .node_groups import node_group_section as node_group_section
from .page import Page as Page
from .page import Section as Section
from .page import Table as Table
