"""From a result to one HTML file that needs nothing else: no script, no request, no picture beside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.report.common import Tell, silent
from sim.report.comparison import page_of_comparison
from sim.report.content import Page, clean
from sim.report.run import page_of_run
from sim.report.sweep import page_of_sweep
from sim.report.validation import page_of_validation
from sim.study.opening import Result, kind_of

HERE = Path(__file__).resolve().parent
PAGES: Mapping[str, Callable[[Any, Tell], Page]] = {
    "run": page_of_run,
    "comparison": page_of_comparison,
    "sweep": page_of_sweep,
    "validation": page_of_validation,
}


def page_of(result: Result, tell: Tell = silent) -> Page:
    """Return what the page about a result says."""
    return PAGES[kind_of(result)](result, tell)


def render(page: Page) -> str:
    """Return the HTML of a page; every text is escaped, whoever wrote it.

    The page says itself that nothing may be loaded or run: pictures are inside it, and the one style sheet is
    known by its hash.
    """
    css = (HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # The style sheet is a file of this package and no text of a result.
    return environment.get_template("page.html.j2").render(page=page, css=Markup(css), policy=policy)


def _shown(value: Any) -> Any:
    """Show characters that act on a reader's screen by their number."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
