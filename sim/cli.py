"""The command `clickmarket`.

A mistake of the user is told in a few lines on standard error, with exit code 2, before anything is written.
What a run needs is imported when it is needed: help and refusals come at once.
"""

from __future__ import annotations

import contextlib
import os
import pydoc
import re
import select
import shutil
import sys
import textwrap
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import Terminated, UserError, nearest, nearest_or_first, one_line
from sim.garbage import collect_seldom
from sim.stopping import stopping_on_term

HELP_COLUMNS, HELP_LINES = 100, 48
USER_ERROR = 2
INTERRUPTED, TERMINATED = 130, 143
NOBODY_READS = 141
"""Exit code where the output's pipe was closed; these three are those that a shell tells of such an end."""

ANALYSES = ("sensitivity", "response", "pareto", "discover", "replications")
NO_MORE = ("start new thread", "launch worker thread", "Cannot allocate memory")
"""How a system says that there is no memory for one more thread or process."""

LESS_MEMORY = "  allowed  more memory, or fewer workers.count, time.days or jobs; what is done is kept"

PLAYING = ("run", "compare", "sweep", "validate")
"""Commands that end in order when they are asked to stop."""

COMMANDS = (
    "run",
    "compare",
    "sweep",
    "status",
    "verify",
    "compact",
    *ANALYSES,
    "validate",
    "plot",
    "report",
    "explore",
    "doctor",
    "completion",
)
RUN_OPTIONS = ("--plugin FILE", "--cfg job", "-m", "--help")
COMPARE_OPTIONS = ("--plugin FILE", "--help")
COMPARE_WORDS = ("seeds", "jobs", "match", "match_to")
RESUME = "resume="
FREE_ON_RESUME = ("compute.",)
USUAL_SEEDS = 10
MOST_JOBS = 256
EXPLAINED_BY_COMPARE = {
    "policy": "Policies",
    "scenario": "Scenarios",
    "ai": "Artificial intelligence, for all scenarios: ai=NAME",
}
MAIN_PARAMETERS = (
    "seed",
    "time.days",
    "time.warmup_days",
    "workers.count",
    "requesters.count",
    "requesters.pay_usd_per_hour",
    "platforms.<name>.requester_fee",
    "platforms.<name>.worker_fee",
    "compute.threads",
    "results.dir",
)

USAGE = """\
clickmarket: a simulated market of click work

  clickmarket run [SETTING ...]   simulate the market, write a folder of results
  clickmarket compare BASELINE SCENARIO ... [seeds=N] [SETTING ...]
                                  what policies change, for whom, and who pays
  clickmarket sweep SETTING=VALUES ... [seeds=N]
                                  every point of a study, here or on a cluster
  clickmarket status | verify | compact FOLDER
                                  look after the folder of a sweep
  clickmarket sensitivity | response | pareto | discover | replications FOLDER
                                  what a sweep shows
  clickmarket validate            the market against what was observed
  clickmarket plot RESULT [FIGURE ...]
                                  draw a result's figures
  clickmarket report RESULT       write one page to read, print or mail
  clickmarket explore [FOLDER]    a page on this machine to choose, run and compare
  clickmarket doctor              check this installation
  clickmarket completion SHELL    tab completion for bash, zsh or fish
  clickmarket --version           print the version

A SETTING is a word like seed=7; clickmarket COMMAND --help explains the rest.
"""

FIRST_STEPS = """\
clickmarket: a simulated market of click work

First steps
  clickmarket doctor
      check this installation
  clickmarket run world=six_regions \\
      workers.count=2000 time.days=30
      a month of a small market, six regions of the world;
      seconds, once the model is compiled (a minute)
  clickmarket compare none usage_tax+universal_income \\
      world=six_regions workers.count=2000 \\
      time.days=90 seeds=5
      what a tax and an income change, and who pays;
      about a minute

All commands: clickmarket --help
"""

RUN_USAGE = """\
clickmarket run [SETTING ...] [--plugin FILE] [--cfg job]

Simulate the market; print a summary and, as the last line, the folder of results.

  clickmarket run
  clickmarket run workers.count=50000 time.days=365 platforms.microwork.requester_fee=0.3 seed=7
  clickmarket run config=my.yaml results.dir=my_results

Options
  --plugin FILE       a Python file with further rules; may be given several times
  --cfg job           print the whole configuration as YAML and stop
  -m                  one run for each combination of values: market.looks=8,12 seeds=2

Settings
  section.name=value  set one value; lists as [a,b]
  +platforms.new.requester_fee=0.1 adds an entry of a new name; ~platforms.name takes one away
  config=FILE         lay the values of a YAML file over the groups
  resume=PATH         go on from a checkpoint, as configured then, except compute.*
"""


COMPARE_USAGE = """\
clickmarket compare BASELINE SCENARIO ... [seeds=N] [jobs=N] [match=HOW] [SETTING ...] [--plugin F]

Run every scenario with the same seeds; print differences to the first, the baseline, with 95 %
intervals, and who gains and who pays; the last line is the folder of tables and figures.

  clickmarket compare none usage_tax+universal_income seeds=20 time.days=365
  clickmarket compare none profit_tax turnover_tax usage_tax policy.usage_tax.usd_per_user_month=1

A scenario is one of
  POLICY, POLICY+POLICY  policies together, with their usual settings
  NAME                   a file of the group scenario
  FILE.yaml              settings of your own, laid over the groups: policy: {usage_tax: {}}

seeds=N runs the seeds seed, seed+1, ... (usual: 10). A setting changes every scenario that has it.
jobs=N plays N runs at a time (usual: one on each core). A stopped one goes on by the same command.
match=static|realised scales taxes to the revenue of the first scenario with a tax, or of
match_to=NAME, on the baseline's bases without behaviour, or in runs of their own.
"""


class CompareWords(NamedTuple):
    """The words after `clickmarket compare`, sorted out; `jobs` is None where nothing is said."""

    names: list[str]
    overrides: list[str]
    plugins: list[Path]
    seeds: int
    jobs: int | None
    match: str | None
    match_to: str | None


class RunWords(NamedTuple):
    """The words after `clickmarket run`, sorted out."""

    overrides: list[str]
    plugins: list[Path]
    resume: Path | None
    help: bool
    print_config: bool
    several: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # else the process is another program's
        collect_seldom()
    try:
        with stopping_on_term() if words[:1] and words[0] in PLAYING else contextlib.nullcontext():
            code = _dispatch(words)
        sys.stdout.flush()  # while it can still be told that nobody reads
        return code
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return NOBODY_READS
    except UserError as error:
        print(_as_told(error), file=sys.stderr)
        return USER_ERROR
    except (KeyboardInterrupt, Terminated) as stop:
        print(" ".join(["clickmarket: stopped.", *map(str, stop.args)]), file=sys.stderr)
        if arguments is None:  # an interrupted compiler complains to the end of the process
            sys.unraisablehook = lambda _: None
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED
    except Exception as error:
        if not out_of_memory(error):
            raise
        told = one_line(str(error)) or type(error).__name__
        print(f"clickmarket: There is too little memory: {told}\n{LESS_MEMORY}", file=sys.stderr)
        return USER_ERROR


def _as_told(error: UserError) -> str:
    """Return a refusal as it is printed: on a terminal in lines that fit, but for what may be typed back."""
    text = f"clickmarket: {error}"
    if not sys.stderr.isatty():
        return text
    columns = 0
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    columns = max(columns or shutil.get_terminal_size().columns, 20)
    return "\n".join(
        line
        if line.startswith(("  found ", "  nearest "))
        else textwrap.fill(
            line,
            columns,
            subsequent_indent=" " * (len("  allowed  ") if line.startswith(" ") else 0),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def _nobody_reads() -> bool:
    """Whether a pipe behind the output is closed, as by `| head`; what is left goes nowhere."""
    closed = False
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # some streams are no files
            poll = select.poll()
            poll.register(stream, 0)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
                closed = True
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
    return closed


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that the system gives no more memory, or not enough for one more thread."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MORE)


def _dispatch(words: list[str]) -> int:
    if not words:
        print(FIRST_STEPS + _last_results(), end="")
        return 0
    first = words[0]
    if first in ("--help", "-h", "help"):
        show_help(USAGE)
        return 0
    if first == "--version":
        print(f"clickmarket {version()}")
        return 0
    if first == "run":
        return _run(_sort_words(words[1:]))
    if first == "compare":
        return _compare(words[1:])
    if first == "doctor":
        from sim.doctor import DOCTOR_USAGE, doctor

        if "--help" in words or "-h" in words:
            show_help(DOCTOR_USAGE)
            return 0
        return doctor(words[1:])
    if first == "completion":
        from sim import completion

        return completion.command(words[1:], COMMANDS)
    if first == "validate":
        from sim.cli_validate import VALIDATE_USAGE, validate

        if "--help" in words or "-h" in words:
            show_help(VALIDATE_USAGE)
            return 0
        return validate(words[1:], _plugin)
    if first in ("plot", "report"):
        from sim import cli_figures

        if "--help" in words or "-h" in words:
            show_help(getattr(cli_figures, f"{first.upper()}_USAGE"))
            return 0
        return int(getattr(cli_figures, first)(words[1:]))
    if first == "explore":
        from sim.app.command import explore

        return explore(words[1:])
    if first in COMMANDS:
        return _sweep(first, words[1:])
    choices = (*COMMANDS, "--help", "--version")
    if first == "resume":
        raise UserError(
            "There is no such command: what was stopped goes on by the command that began it.",
            value=" ".join(words),
            allowed="the same clickmarket sweep, compare or validate again; a run with resume=FOLDER",
            nearest=f"clickmarket run resume={''.join(words[1:2]) or 'FOLDER'}"
            if not any("-sweep-" in word for word in words)
            else f"clickmarket status {words[1]}, which tells the command",
        )
    raise UserError(
        "There is no such command.",
        value=first,
        allowed=", ".join(choices),
        nearest=_meant_by(first, choices),
    )


def _meant_by(word: str, commands: Sequence[str]) -> str:
    """Return the command that a first word may stand for: one that is like it, or `run` before a setting."""
    from sim.composition import conf_folder, group_options
    from sim.overrides import meant

    if word.split(" ")[0] in commands:  # a whole command in quotes
        return f"clickmarket {word}"
    if "=" in word:
        return f"clickmarket run {word}"
    if command := nearest(word, commands):
        return f"clickmarket {command}"
    if setting := meant(word, group_options(conf_folder())):
        return f"clickmarket run {setting}"
    return "clickmarket --help"


def _last_results() -> str:
    """Return a line about the newest folder of results here; nothing if there is none."""
    folders = [file.parent for file in Path("results").glob("*/manifest.json")]
    newest = max(folders, key=lambda folder: folder.name, default=None)
    return f"Newest results here: {newest}\n" if newest is not None else ""


def show_help(text: str) -> None:
    """Print a help as wide as the terminal; by a pager if it is one, and too low for all."""
    if not sys.stdout.isatty():
        print(text, end="")
        return
    columns, lines = shutil.get_terminal_size()
    fitted = fit(text, columns)
    if fitted.count("\n") < lines:
        print(fitted, end="")
    else:
        pydoc.pager(fitted)


def fit(text: str, columns: int) -> str:
    """Wrap the lines that are too long for so many columns, each under its own last column."""
    fitted: list[str] = []
    for line in text.splitlines():
        if len(line) <= columns:
            fitted.append(line)
            continue
        gaps = [found.end() for found in re.finditer(r"(?<=\S) {2,}", line)]
        margin = len(line) - len(line.lstrip())
        hangs = margin < columns // 3 and (margin or line.startswith("clickmarket "))
        indent = " " * (gaps[-1] if gaps and gaps[-1] <= 3 * columns // 5 else margin + 4 * bool(hangs))
        fitted += textwrap.wrap(line, max(columns, 20), subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(fitted) + "\n"


def _sweep(command: str, words: list[str]) -> int:
    """Carry out a command around sweeps."""
    from sim import cli_sweep

    if "--help" in words or "-h" in words:
        show_help(cli_sweep.SWEEP_USAGE)
        return 0
    if command == "sweep":
        return cli_sweep.sweep(words, _plugin)
    if command in ANALYSES:
        return cli_sweep.analyse(command, words)
    return int(getattr(cli_sweep, command)(words))


def version() -> str:
    """Return the version of the installed distribution."""
    try:
        return metadata.version("clickmarket")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _sort_words(words: list[str]) -> RunWords:
    """Tell options from settings."""
    overrides: list[str] = []
    plugins: list[Path] = []
    resume: Path | None = None
    wants_help = print_config = several = False
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if word in ("--help", "-h"):
            wants_help = True
        elif word in ("-m", "--multirun"):
            several = True
        elif option in ("--plugin", "--cfg"):
            value = value if equals else next(rest, "")
            if option == "--cfg":
                print_config = _require_job(value)
            else:
                plugins.append(_plugin(value))
        elif word.startswith(RESUME):
            resume = _checkpoint(value)
        elif word.startswith("-"):
            raise _unknown_option(word, following=next(rest, ""))
        else:
            overrides.append(word)
    return RunWords(overrides, plugins, resume, wants_help, print_config, several)


def _require_job(value: str) -> bool:
    if value == "job":
        return True
    raise UserError("--cfg prints one thing only.", value=value, allowed="--cfg job", nearest="--cfg job")


def _plugin(value: str) -> Path:
    path = Path(value)
    if value and path.suffix == ".py" and path.is_file():
        return path
    raise UserError(
        "--plugin needs a Python file that exists.",
        value=value,
        allowed="--plugin FILE, with a name that ends in .py",
        nearest=_plugin_near(path),
    )


def _plugin_near(path: Path) -> str:
    """Return an option with the Python file beside a path that is most like it; the help if there is none."""
    with contextlib.suppress(OSError, ValueError):
        files = sorted(one.name for one in path.parent.glob("*.py") if not one.name.startswith("."))[:1000]
        if files:
            return f"--plugin {path.parent / nearest_or_first(path.name, files)}"
    return "clickmarket run --help"


def _checkpoint(value: str) -> Path:
    if value and Path(value).exists():
        return Path(value)
    raise UserError(
        "is not a checkpoint that exists.",
        path="resume",
        value=value,
        allowed="the path of a checkpoint that a run with time.checkpoint_days has written",
        nearest="time.checkpoint_days=30",
    )


def _unknown_option(word: str, options: Sequence[str] = RUN_OPTIONS, following: str = "") -> UserError:
    """Return the error for an option that does not exist; it may be a setting with dashes before it."""
    from sim.composition import conf_folder, group_options
    from sim.overrides import meant

    name, _, value = word.lstrip("-").partition("=")
    setting = meant(name, group_options(conf_folder()), value or following.partition("=")[0])
    return UserError(
        "There is no such option.",
        value=word,
        allowed=", ".join(options) + "; settings have no dashes: workers.count=1000",
        nearest=nearest(word, options) or setting or nearest_or_first(word, options),
    )


def _run(words: RunWords) -> int:
    """Compose, validate, and only then touch the disk."""
    if words.help:
        show_help(run_help())
        return 0
    if words.several and words.resume is None and not words.print_config:
        return _run_several(words)
    from sim.composition import compose, to_yaml

    if words.resume is not None:
        _refuse_changes_on_resume(words.overrides)
    config = compose(words.overrides)
    if words.print_config:
        print(to_yaml(config), end="")
        return 0
    from sim.validation import check_folder

    check_folder(config.results.dir, "results.dir")
    from sim.study.run import execute

    folder = execute(config, plugins=words.plugins, resume=words.resume, draw=_draw)
    print(folder)
    return 0


def _run_several(words: RunWords) -> int:
    """Play a few points one after another, each into a folder of its own; all are validated first."""
    from sim.study.points import Composer, read_study
    from sim.study.run import execute
    from sim.validation import check_folder

    composer = Composer(read_study(words.overrides))
    composer.check()
    check_folder(composer.config_of_point(0).results.dir, "results.dir")
    for number in range(len(composer)):
        print(execute(composer.config(number), plugins=words.plugins, quiet=True, draw=_draw), flush=True)
    return 0


def _draw(*what: Any) -> None:
    """Draw the figures of a run; only then is matplotlib needed."""
    from sim.figures.market import draw_run

    draw_run(*what)


def _compare(words: list[str]) -> int:
    """Compose and validate every scenario, and only then touch the disk."""
    if "--help" in words or "-h" in words:
        show_help(compare_help())
        return 0
    asked = _sort_compare_words(words)
    from sim.study.scenarios import compose_scenarios, with_seeds
    from sim.validation import check_folder

    configs = compose_scenarios(asked.names, asked.overrides)
    first = next(iter(configs.values()))
    with_seeds(first, asked.seeds)
    check_folder(first.results.dir, "results.dir")
    from sim.study.compare import execute
    from sim.study.matching import Match
    from sim.study.told import print_comparison

    folder = execute(
        configs,
        asked.seeds,
        plugins=asked.plugins,
        draw=_draw_comparison,
        tell=print_comparison,
        jobs=asked.jobs,
        match=Match(asked.match, asked.match_to) if asked.match is not None else None,
    )
    print(folder)
    return 0


def _sort_compare_words(words: list[str]) -> CompareWords:
    """Tell names of scenarios, settings, plug-ins and what is asked of the comparison apart."""
    from sim.overrides import refuse_misspelt

    names: list[str] = []
    overrides: list[str] = []
    plugins: list[Path] = []
    seeds, jobs = USUAL_SEEDS, None
    matching: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option == "--plugin":
            plugins.append(_plugin(value if equals else next(rest, "")))
        elif word.startswith("-"):
            raise _unknown_option(word, COMPARE_OPTIONS, next(rest, ""))
        elif option == "seeds":
            seeds = _whole(option, value)
        elif option == "jobs" and equals:
            jobs = _jobs(value)
        elif option in ("match", "match_to") and equals:
            matching[option] = value
        elif equals or word.startswith("~"):
            refuse_misspelt(word, COMPARE_WORDS, "a comparison")
            overrides.append(word)
        else:
            names.append(word)
    if "match_to" in matching and "match" not in matching:
        raise UserError(
            "has no effect without match.",
            path="match_to",
            value=matching["match_to"],
            allowed="beside match=static or match=realised",
            nearest=f"match=static match_to={matching['match_to']}",
        )
    asked = matching.get("match"), matching.get("match_to")
    return CompareWords(names, overrides, plugins, seeds, jobs, *asked)


def _whole(path: str, text: str) -> int:
    """Read a whole number; whether it is one that is allowed is asked later."""
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10:
        return int(text)
    raise UserError(
        "must be a whole number.",
        path=path,
        value=text,
        allowed="a whole number from 1",
        nearest="seeds=20" if path == "seeds" else f"{path}=1",
    )


def _jobs(text: str) -> int:
    """Read how many processes may play at a time."""
    number = _whole("jobs", text)
    if 1 <= number <= MOST_JOBS:
        return number
    raise UserError(
        "is no number of processes.",
        path="jobs",
        value=text,
        allowed=f"a whole number from 1 to {MOST_JOBS}",
        nearest="jobs=1" if number < 1 else f"jobs={MOST_JOBS}",
    )


def _draw_comparison(*what: Any) -> None:
    """Draw the figures of a comparison; only then is matplotlib needed."""
    from sim.figures.comparison import draw_comparison

    draw_comparison(*what)


def compare_help() -> str:
    """Explain `clickmarket compare`; policies and scenarios are read where they are declared."""
    from sim.composition import conf_folder, group_options

    folder, lines = conf_folder(), []
    for group, heading in EXPLAINED_BY_COMPARE.items():
        lines.append(heading)
        for name in group_options(folder).get(group, []):
            lines += _columns("  ", name, _first_comment(folder / group / f"{name}.yaml"), 22)
    lines.append("Their settings are in docs/parameters.md, under policy.")
    return "\n".join([COMPARE_USAGE, *lines, ""])


def _refuse_changes_on_resume(overrides: list[str]) -> None:
    for word in overrides:
        if not word.startswith(FREE_ON_RESUME):
            raise UserError(
                "cannot be changed: a resumed run keeps the configuration of its checkpoint.",
                path=word.partition("=")[0],
                value=word,
                allowed="compute.*; results go on in the run's own folder",
                nearest="compute.threads=...",
            )


def run_help() -> str:
    """Explain `clickmarket run`; groups and parameters are read where they are declared."""
    return "\n".join([RUN_USAGE, *_group_lines(), "", *_parameter_lines(), ""])


def _group_lines() -> list[str]:
    from sim.composition import conf_folder, group_options, usual_choices

    folder = conf_folder()
    usual = usual_choices(folder)
    lines = ["Groups: settings that belong together, by name (* if nothing is said)"]
    for group, names in group_options(folder).items():
        if group in EXPLAINED_BY_COMPARE:
            continue
        for name in names:
            mark = "*" if usual.get(group) == name else " "
            lines += _columns(f"{mark} ", f"{group}={name}", _first_comment(folder / group / f"{name}.yaml"))
    return [*lines, "  policy=[NAME,NAME], scenario=NAME, ai=NAME    see clickmarket compare --help"]


def _columns(mark: str, name: str, text: str, width: int = 36) -> list[str]:
    """Set a name and its explanation in two columns, within the width of the help."""
    indent = " " * len(f"{mark}{name:<{width}} ")
    return textwrap.wrap(f"{mark}{name:<{width}} {text}", HELP_COLUMNS, subsequent_indent=indent)


def _first_comment(file: Path) -> str:
    """Return the first line of explanation in a group's file; its `# @package` line is none."""
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.lstrip("# ").rstrip()
        if line.startswith("#") and text and not text.startswith("@"):
            return text
    return ""


def _parameter_lines() -> list[str]:
    from sim.config import Config
    from sim.schema import describe, spell

    rows = {row.path: row for row in describe(Config)}
    lines = [f"Ten of the {len(rows)} parameters (docs/parameters.md has them all)"]
    for path in MAIN_PARAMETERS:
        row = rows[path]
        low, high = row.limits.low, row.limits.high
        within = "" if low is None or high is None else f"; {spell(low)} to {spell(high)}"
        lines += _columns("  ", f"{path}={spell(row.limits.default)}", row.meaning + within)
    return lines
