"""The commands `clickmarket plot` and `clickmarket report`: pictures of a result, and a page about it."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import UserError, key_among, nearest_or_first, one_of
from sim.validation import check_folder

PLOTS = "plots"
USUAL_FORMATS = ("png", "svg")
OPTIONS = ("--list", "--help")

PLOT_USAGE = """\
clickmarket plot RESULT [FIGURE ...] [format=png,svg,pdf] [to=FOLDER] [OPTION=VALUE ...]

Draw figures of a run, a comparison, a sweep or a validation: those that are named, or all of them.
RESULT is the folder that the command printed as its last line. The last line is the folder of figures.

  clickmarket plot RESULT --list          say which figures there are and draw none
  clickmarket plot RESULT                 draw all, each with everything it can be of
  clickmarket plot RESULT lorenz pay format=pdf to=paper
  clickmarket plot COMPARISON transfers scenario=usage_tax+universal_income
  clickmarket plot SWEEP curve outcome=tax_revenue_per_year x=policy.usage_tax.usd_per_user_month
  clickmarket plot SWEEP pareto more=pay_all_in_median less=unpaid_share

  format=png,svg      or pdf; usual: png and svg
  to=FOLDER           usual: RESULT/plots
  scenario=           of comparisons: the scenario (usual: the first that changes anything)
  outcome= x= y=      of sweeps: what is drawn over which settings
  more= less=         of sweeps, pareto: an outcome to be large, one to be small
  above= half_width=  of sweeps: the bound of a box; half an interval, as a share of the mean
  target=             of validations: the target, such as BP01
"""


class PlotWords(NamedTuple):
    """The words after `clickmarket plot`, sorted out; `to` is None where nothing is said."""

    result: str
    figures: list[str]
    formats: list[str]
    to: str | None
    options: dict[str, str]
    list_only: bool


class Drawing(NamedTuple):
    """A figure that is to be drawn: its name, the name of its file, its options."""

    name: str
    file: str
    options: dict[str, str]


def plot(words: Sequence[str]) -> int:
    """Draw, then write, so that nothing is written where anything is refused; return the exit code."""
    if "--help" in words or "-h" in words:
        print(PLOT_USAGE, end="")
        return 0
    asked = _sort(words)
    from sim.figures import gallery, style
    from sim.study.opening import open_result

    result = open_result(asked.result)
    if asked.list_only:
        print(_listed(gallery.pictures(result)))
        return 0
    folder = Path(asked.result) / PLOTS if asked.to is None else Path(asked.to)
    check_folder(str(folder), "to")
    told = gallery.about(result)
    figures = []
    for one in _drawings(gallery.pictures(result), result, asked):
        try:
            figures.append((one, gallery.draw(result, one.name, **one.options)))
        except UserError as error:
            if asked.figures or asked.options:
                raise
            print(f"{one.file}: not drawn. {error.message}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    for one, figure in figures:
        paths = style.save(figure, folder, one.file, asked.formats)
        print(f"{', '.join(path.name for path in paths)}: {told[one.name]}", flush=True)
    print(folder)
    return 0


def _of_latest(command: str) -> str:
    """Return a command about the latest result here, or one that makes a first result."""
    from sim.study.opening import FIRST_RESULT, latest_in

    latest = latest_in(Path("results"))
    return shlex.join(["clickmarket", command, latest]) if latest else FIRST_RESULT


def _listed(pictures: Mapping[str, Any]) -> str:
    """Return the figures with what they show and their options, a line each."""
    from sim.figures.gallery import options_of

    width = max(map(len, pictures))
    lines = []
    for name, picture in pictures.items():
        options = " ".join(f"{one}=" for one in options_of(picture))
        lines.append(f"{name:<{width}}  {picture.about}{f'  [{options}]' if options else ''}")
    return "\n".join(lines)


def _drawings(pictures: Mapping[str, Any], result: Any, asked: PlotWords) -> list[Drawing]:
    """Return what is to be drawn; refuse names and options that there are not.

    With options, a figure is drawn once, with those that it has; without, of everything that it can be of.
    """
    from sim.figures import gallery
    from sim.study.compare import file_name

    has = {name: gallery.options_of(picture) for name, picture in pictures.items()}
    for name in asked.figures:
        gallery.find(result, name)
    named = list(dict.fromkeys(asked.figures)) or [
        name for name in has if not asked.options or set(asked.options) & set(has[name])
    ]
    allowed = sorted({option for name in named or has for option in has[name]})
    of_all = {option: name for name in reversed(has) for option in has[name]}
    for option, value in asked.options.items():
        meant = nearest_or_first(option, (*allowed, "format", "to", *of_all))
        if meant not in (*allowed, "format", "to"):
            raise UserError(
                "is no option of these figures.",
                path=option,
                value=value,
                allowed=", ".join(f"{one}=..." for one in (*allowed, "format", "to"))
                + f"; {meant}= with "
                + ", ".join(name for name in has if meant in has[name]),
                nearest=shlex.join(["clickmarket", "plot", asked.result, of_all[meant], f"{meant}={value}"]),
            )
        key_among(option, value, (*allowed, "format", "to"), "is no option of these figures.")
    found = []
    for name in named:
        own = {option: value for option, value in asked.options.items() if option in has[name]}
        if own:
            found.append(Drawing(name, "-".join([name, *map(file_name, own.values())]), own))
        else:
            found += [Drawing(name, file, options) for file, options in gallery.variants(result, name)]
    return found


def _sort(words: Sequence[str]) -> PlotWords:
    """Tell the folder, names of figures and options apart."""
    places: list[str] = []
    options: dict[str, str] = {}
    list_only = False
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--list":
            list_only = True
        elif word.startswith("-"):
            one_of("", word, OPTIONS, "There is no such option.", "; others have no dashes: format=svg", "*")
        elif equals and places and not Path(word).exists():
            if not value or name in options:
                raise UserError(
                    "is given twice." if value else "says nothing.",
                    path=name,
                    value=word,
                    allowed=f"{name}=... once, with a value",
                    nearest=f"{name}={options.get(name) or '...'}",
                )
            options[name] = value
        else:
            places.append(word)
    if not places:
        raise UserError(
            "is missing: which result is to be drawn?",
            path="RESULT",
            allowed="the folder that a command printed as its last line",
            nearest=_of_latest("plot"),
        )
    formats = _formats(options.pop("format", ",".join(USUAL_FORMATS)))
    return PlotWords(places[0], places[1:], formats, options.pop("to", None), options, list_only)


def _formats(text: str) -> list[str]:
    """Return the formats that figures are written in."""
    from sim.figures.style import FORMATS

    found = list(dict.fromkeys(text.split(",")))
    for one in found:
        one_of("format", one, FORMATS, "is no format that figures are written in.")
    return found


REPORT = "report.html"
REPORT_USAGE = """\
clickmarket report RESULT [to=FILE.html]

Write one page about a run, a comparison, a sweep or a validation, to read, print or mail: what came
out in plain words, tables, figures, what was assumed, how far the model can be trusted, and the command
that gives the same again. The file needs nothing else and runs no script. The last line is the file.

  clickmarket report results/20260101-120000-0123abcd
  clickmarket report results/20260101-120000-compare-0123456789abcdef to=income.html

  to=FILE.html        usual: RESULT/report.html
"""


def report(words: Sequence[str]) -> int:
    """Write one page about a result; return the exit code."""
    if "--help" in words or "-h" in words:
        print(REPORT_USAGE, end="")
        return 0
    place, file = _sort_report(words)
    _check_place_of(file)
    from sim.study.opening import open_result

    result = open_result(place)
    from sim.report.page import page_of, render
    from sim.study.result import replacing

    with _writing(file) as tell:
        text = render(page_of(result, tell))
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as out:
        out.write(text.encode("utf-8"))
    print(file)
    return 0


def _check_place_of(file: Path) -> None:
    """Refuse a page whose folder cannot be made or written in."""
    try:
        check_folder(str(file.parent), "to")
    except UserError as error:
        near = (
            Path(file.parts[0]).expanduser().joinpath(*file.parts[1:]) if file.parts[0] == "~" else file.name
        )
        raise UserError(
            "is not a page that can be written.",
            path="to",
            value=str(file),
            allowed=error.allowed,
            nearest=f"to={near}",
        ) from error


@contextlib.contextmanager
def _writing(file: Path) -> Iterator[Callable[[float], None]]:
    """Say how far a page is and since when, on one line that is gone after it, if someone is watching."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("Drawing and writing {task.description}")
    columns = words, BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    watched = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not watched, transient=True) as progress:
        task = progress.add_task(escape(file.name), total=1.0)
        yield lambda share: progress.update(task, completed=share)


def _sort_report(words: Sequence[str]) -> tuple[str, Path]:
    """Tell the folder of the result from the file of the page."""
    places = [word for word in words if not word.startswith(("to=", "-"))]
    files = [word.removeprefix("to=") for word in words if word.startswith("to=")]
    other = [word for word in words if word.startswith("-")] + places[1:]
    if other:
        raise UserError(
            "is no word of clickmarket report.",
            path="report",
            value=other[0],
            allowed="one RESULT and to=FILE.html",
            nearest=f"clickmarket report {places[0] if places else 'RESULT'} to=report.html",
        )
    if not places:
        raise UserError(
            "is missing: which result is the page to be about?",
            path="RESULT",
            allowed="the folder that a command printed as its last line",
            nearest=_of_latest("report"),
        )
    file = Path(files[-1]) if files else Path(places[0]) / REPORT
    if file.suffix.lower() not in (".html", ".htm") or file.is_dir():
        raise UserError(
            "is no name for a page.",
            path="to",
            value=str(file),
            allowed="a file whose name ends in .html",
            nearest=f"to={file.with_suffix('.html') if file.name else REPORT}",
        )
    return places[0], file
