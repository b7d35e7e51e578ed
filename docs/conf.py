"""The documentation site: `make docs`. It needs no network, and the pages ask nothing of anybody."""

from __future__ import annotations

from importlib import metadata
from typing import Any

project = "clickmarket"
author = "the clickmarket authors"
version = release = metadata.version("clickmarket")
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

html_theme = "furo"
html_title = f"clickmarket {release}"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False

html_static_path = ["_static"]
html_css_files = ["site.css"]
default_role = "code"  # what stands between single backticks in docstrings

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

# Tutorials run when the site is built; whatever fails in them ends the build.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_execution_show_tb = True
nb_output_stderr = "remove"
nb_merge_streams = True
nb_number_source_lines = False
nb_ipywidgets_js: dict[str, Any] = {}  # widgets' scripts come from elsewhere, and there are no widgets here

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True

OUTSIDE = {"../results/README.md": "results.md"}
"""Links of the documents to files that lie beside docs/, and the pages that show these."""


def setup(app: Any) -> None:
    """Let links that lead out of docs/ lead to the page that shows the same."""
    app.connect("source-read", _lead_to_pages)


def _lead_to_pages(app: Any, page: str, source: list[str]) -> None:
    for link, target in OUTSIDE.items():
        source[0] = source[0].replace(f"]({link})", f"]({target})")
