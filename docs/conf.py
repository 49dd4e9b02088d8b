"""Settings of the documentation: `sphinx-build -W docs BUILD_FOLDER` executes pages with code."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

project = "chaoskit"
copyright = "The chaoskit developers"
extensions = ["myst_nb"]
exclude_patterns = ["_build"]
html_theme = "furo"

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
