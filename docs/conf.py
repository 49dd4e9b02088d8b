"""Settings of the documentation: `sphinx-build -W docs BUILD_FOLDER` executes pages with code."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "chaoskit"
copyright = "The chaoskit developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "reference_pages"]
exclude_patterns = ["_build", "paper/*.md"]  # the latter are included by paper.md

html_theme = "furo"
html_title = "chaoskit"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 1800  # seconds a cell: compiling on a busy machine takes long
nb_merge_streams = True

default_role = "py:obj"  # single backticks in docstrings: a link where the name is public, else plain
autodoc_typehints = "none"  # docstrings say shapes and dtypes as well
autosummary_generate = False
numpydoc_show_class_members = False
