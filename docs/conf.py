"""Sphinx settings; warnings are errors, and the examples run as tests (``make docs``)."""

from importlib.metadata import version as installed_version
from pathlib import Path

project = "pyscale"
author = "The pyscale developers"
project_copyright = "the pyscale developers"
release = installed_version("pyscale")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
nitpicky = False

html_theme = "furo"
html_title = f"pyscale {release}"
html_static_path = ["_static"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_ivar = True  # an attribute that is a property too is described once
napoleon_use_rtype = False

doctest_global_setup = f"""
import numpy as np
import pyscale as ps
docs = {str(Path(__file__).parent)!r}
"""
