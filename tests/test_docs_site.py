"""The documentation: the site builds without a warning, its tutorials run, its commands are understood."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import sim
from scripts import write_gallery_docs
from sim.cli import COMMANDS, main
from sim.composition import compose
from sim.study.points import Composer, read_study
from sim.study.scenarios import compose_scenarios
from tests.conftest import Exercised

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text("utf-8")
TUTORIALS = ("add_a_country", "change_a_rule", "first_run", "sweep", "two_taxes", "write_a_policy")
FETCHES = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|data)=["'](?:https?:)?//[^"']*"""
    r"""|<link\b(?=[^>]*rel=["'](?:stylesheet|preload|icon|preconnect|dns-prefetch))[^>]*href=["'](?:https?:)?//"""
    r"""|@import\s+(?:url\()?["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//""",
    re.IGNORECASE,
)
"""What makes a browser ask somebody else; a link that a reader may follow is none."""


def built(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["--fail-on-warning", "--keep-going", "--quiet", "-d", str(folder / "trees")]
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *words, str(source), str(folder / "html")],
        capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does; return its folder."""
    folder = tmp_path_factory.mktemp("site")
    done = built(DOCS, folder)
    assert done.returncode == 0, done.stderr[-6000:]
    return folder


def test_tutorials_ran(site: Path, exercised: Exercised) -> None:
    """Every cell that shows something showed it, and none failed (a failure ends the build)."""
    cells = shown = 0
    for name in TUTORIALS:
        notebook = json.loads((site / "jupyter_execute" / "tutorials" / f"{name}.ipynb").read_text("utf-8"))
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in code), name
        cells += len(code)
        shown += sum(bool(cell["outputs"]) for cell in code)
    assert sorted(path.stem for path in (DOCS / "tutorials").glob("*.md")) == list(TUTORIALS)
    exercised("cells", cells, 22)
    exercised("cells with output", shown, 16)


def test_pages_ask_nothing_of_anybody(site: Path, exercised: Exercised) -> None:
    pages = sorted((site / "html").rglob("*.html")) + sorted((site / "html").rglob("*.css"))
    for page in pages:
        text = page.read_text("utf-8")
        assert not FETCHES.search(text), (page.name, FETCHES.search(text))
        for path in (str(ROOT), str(site), str(Path.home())):
            assert path not in text or len(path) < 4, f"{page.name} names {path}"
    exercised("pages and styles", len(pages), 25)


@pytest.mark.parametrize(
    "planted",
    [
        '<script async src="https://cdn.example/x.js">',
        "<img alt='' src='//cdn.example/x.png'>",
        '<link rel="stylesheet" href="https://fonts.example/css">',
        "@import url(https://fonts.example/css)",
        "src: url('https://fonts.example/x.woff2')",
    ],
)
def test_requests_are_noticed(planted: str) -> None:
    assert FETCHES.search(planted)
    assert not FETCHES.search('<a href="https://example.org">a link</a> <img src="_images/x.png">')


def test_what_is_exported_is_explained(site: Path, exercised: Exercised) -> None:
    page = (site / "html" / "reference.html").read_text("utf-8")
    for name in sim.__all__:
        assert re.search(rf'id="sim\.(?:[\w.]+\.)?{name}"', page), name
    exercised("names", len(sim.__all__), 10)


def test_a_warning_ends_the_build(tmp_path: Path) -> None:
    """A link that leads nowhere, and nothing else, is planted."""
    source = tmp_path / "docs"
    source.mkdir()
    shutil.copy(DOCS / "conf.py", source)
    (source / "index.md").write_text("# A page\n\n[nowhere](missing.md)\n")
    done = built(source, tmp_path)
    assert done.returncode != 0 and "missing.md" in done.stderr


# --- commands in the documents -----------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, str]]:
    """Yield (document, command) for every command in code; a long one goes on after a backslash."""
    files = [ROOT / "README.md", *DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md"), *DOCS.glob("howto/*.md")]
    for file in sorted(files):
        text = re.sub(r"\\\n\s*", "", file.read_text("utf-8"))
        for line in re.findall(
            r"^(?: {4,}|\$ )(clickmarket .*)$|`(clickmarket [a-z]+ [^`]*)`", text, re.MULTILINE
        ):
            yield file.name, re.sub(r"\s+#.*", "", next(filter(None, line)))


MEANT_TO_FAIL = ("workers.cuont=5000",)
FILES = ("my.yaml", "cap.yaml", "cautious.py", "my_world.csv")


def files_of_tutorials() -> dict[str, str]:
    """Return the settings that tutorials write for their commands, by the name of the file."""
    cell = re.compile(r'Path\("([\w.]+\.yaml)"\)\.write_text\(\s*"""\\\n(.*?)"""', re.DOTALL)
    return {
        name: text
        for page in sorted(DOCS.glob("tutorials/*.md"))
        for name, text in cell.findall(page.read_text("utf-8"))
    }


def test_commands_are_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exercised: Exercised
) -> None:
    """Every command of the documents composes, with the files that tutorials write for them."""
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).write_text("{}")
    written = files_of_tutorials()
    assert {"tax_for_workers.yaml", "fair_search.yaml"} <= written.keys()
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    composed = 0
    for document, line in commands():
        words = shlex.split(line)[1:]
        assert words[0] in (*COMMANDS, "COMMAND", "--help", "--version"), (document, line)
        settings = [word for word in words[1:] if "=" in word and word.partition("=")[0] not in OWN_WORDS]
        if {*MEANT_TO_FAIL, "--help"} & set(words) or any(
            re.search(r"[A-Z]{4}|\.\.\.|/", word) for word in words[1:]
        ):
            continue
        if words[0] == "run":
            compose(settings)
        elif words[0] == "compare":
            compose_scenarios([word for word in words[1:] if "=" not in word], settings)
        elif words[0] == "sweep":
            study = [
                word for word in words[1:] if word.partition("=")[0] not in ("engine", "jobs", "address")
            ]
            Composer(read_study(study)).check([0])
        else:
            continue
        composed += 1
    exercised("commands composed", composed, 20)


def test_the_sample_of_a_mistake_is_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    sample = re.search(r"^ +\$ (clickmarket run workers\.cuont=.*)\n((?: +.*\n)+)", README, re.MULTILINE)
    assert sample is not None
    assert main(shlex.split(sample[1])[1:]) == 2
    assert capsys.readouterr().err == textwrap.dedent(sample[2])


def test_the_gallery_has_what_its_writer_writes_and_every_picture() -> None:
    page = (DOCS / "gallery.md").read_text("utf-8")
    assert page.startswith(write_gallery_docs.INTRODUCTION) and page.endswith(write_gallery_docs.ELSEWHERE)
    pictures = re.findall(r"^```\{image\} (.+)$", page, re.MULTILINE)
    assert {"images/validation.png", "images/claims/ai_rebound_map.png"} <= set(pictures)
    assert all((DOCS / picture).is_file() for picture in pictures)


OWN_WORDS = ("seeds", "jobs", "match", "match_to", "resume")
