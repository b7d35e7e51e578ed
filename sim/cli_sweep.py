"""The commands around sweeps: to play one, to look after its folder, to say what it shows."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
import json
import math
import shlex
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from sim.errors import Terminated, UserError, key_among, one_of

DAMAGED = 4
"""Exit code of `verify`: a file is damaged, or a run is missing."""

OPTIONS = ("--plugin", "--shard", "--dry-run", "--help")

LEAST_MEMORY_MIB = 2048
"""MiB of address space with which a worker gets as far as a run: a run of thirty workers takes 1,830."""

SWEEP_USAGE = """\
clickmarket sweep [study=NAME] SETTING=VALUES ... [seeds=N] [engine=local] [SETTING ...]

Play every point of a study with every seed; the last line is the folder of the sweep. What was stopped or
killed goes on when the same command is given again, on any engine.

  clickmarket sweep platforms.microwork.requester_fee=0.05,0.1,0.2,0.4 \\
      requesters.pay_usd_per_hour=2,4,8 seeds=10 workers.count=2000 time.days=90
  clickmarket sweep design=lhs points=200 workers.broker_cut=declared \\
      'requesters.pay_usd_per_hour=tag(log,interval(1,10))'
  clickmarket sweep policy=none,[usage_tax,universal_income] 'seed=7' seeds=20

Values
  a,b,c                     one by one; names of groups and lists as well: policy=none,[usage_tax,union]
  range(0,1,0.1)            from the first, below the last
  interval(0,1)             any value between, for designs that draw; tag(log,interval(1,100)) by factors
  sort(3,1,2) shuffle(a,b)  in order, or in one drawn by design_seed; also around range(...)
  glob(*) glob(u*)          every name of a group, or those that match: policy=glob(*,exclude=union)
  declared                  the whole range that the parameter declares

Study
  study=NAME or FILE.yaml   a study in a file: settings, vary, design, points, seeds; the words of the
                            command win over it, wherever it stands; of a word given twice the last counts
  design=grid               every combination (usual); list: first values together, and so on;
                            lhs, sobol: points=N drawn; saltelli, morris: for `clickmarket sensitivity`
  points=64 design_seed=1   how many points a design draws (sobol, saltelli: a power of two), and the seed
                            of its draws
  seeds=1                   runs of every point, with seeds in a row from seed on; seed=1,2,3 says the same

How it is carried out
  engine=local              processes of this machine; serial: in this one; dask: on a cluster
  jobs=N                    processes (usual: one a core, at most eight)
  address=...               of a Dask scheduler, tcp://host:port, or a scheduler file ending in .json
  timeout=SECONDS memory=MiB   what a run may take; more makes it a failed row; MiB of address space,
                            at least 2048
  series=true               keep the daily series of every run
  retry_failed=true         play failed runs again
  fresh=true                begin anew though the same sweep is there
  --shard 2/8               play the second of eight parts, in a job of an array; all share one folder
  --dry-run                 say which points and how many runs there are, play one, tell the time expected
  --plugin FILE             a Python file with further rules

  clickmarket status FOLDER     how far a sweep is
  clickmarket verify FOLDER     name every damaged file, and the runs that are missing
  clickmarket compact FOLDER    put the parts of a sweep together into few files

What it shows; each prints a table and leaves it and its figure in the folder's `analysis`
  clickmarket sensitivity FOLDER outcome=pay_all_in_median
  clickmarket response FOLDER outcome=tax_revenue_per_year x=policy.usage_tax.usd_per_user_month [y=...]
  clickmarket pareto FOLDER more=pay_all_in_median less=unpaid_share
  clickmarket discover FOLDER outcome=share_below_minimum_wage above=0.5
  clickmarket replications FOLDER outcome=pay_all_in_median half_width=0.05

Exit codes: 0 all done, 2 a mistake, 3 some runs failed, 4 not whole (verify), 130 and 143 stopped,
141 nobody reads.
"""


class SweepWords(NamedTuple):
    """The words after `clickmarket sweep`, sorted out."""

    study: list[str]
    own: dict[str, str]
    plugins: list[Path]
    shard: tuple[int, int]
    dry_run: bool


def sweep(words: Sequence[str], plugin: Callable[[str], Path]) -> int:
    """Compose and validate every point, and only then play; return the exit code."""
    if "--help" in words or "-h" in words:
        print(SWEEP_USAGE, end="")
        return 0
    found = _sort(words, plugin)
    _refuse_no_study(found.study)
    memory = _memory(found.own)
    from sim.study import engine, points, sweep
    from sim.validation import check_folder

    study = points.read_study(found.study)
    settings = sweep.Settings(
        shard=found.shard,
        timeout_seconds=_number(found.own, "timeout"),
        keep_series=_flag(found.own, "series"),
        retry_failed=_flag(found.own, "retry_failed"),
        fresh=_flag(found.own, "fresh"),
        command=_again(words),
    )
    name, jobs = found.own.get("engine", "local"), int(_number(found.own, "jobs"))
    where = found.own.get("address", "")
    engine.check_options(name, jobs, where, memory)
    if settings.retry_failed and settings.shard[1] > 1:
        raise UserError(
            "has no effect on a shard: what failed is forgotten for all of them.",
            path="retry_failed",
            value="true",
            allowed="without --shard, once no shard is running",
            nearest="retry_failed=true, without --shard",
        )
    if settings.fresh and settings.shard[1] > 1:
        raise UserError(
            "has no effect on a shard: each would begin in a folder of its own.",
            path="fresh",
            value="true",
            allowed="without --shard; or another results.dir for all of them",
            nearest="results.dir=another",
        )
    composer = points.Composer(study)
    composer.check([0])
    check_folder(composer.config_of_point(0).results.dir, "results.dir")
    if again := composer.repeated():
        print(again, file=sys.stderr)
    if found.dry_run:
        composer.check()
        _tell_plan(study, composer, found, settings)
        return 0

    def start() -> engine.Engine:
        return engine.start(name, jobs, where, memory)

    try:
        folder, code = sweep.execute(study, start, settings, found.plugins, composer)
    except (KeyboardInterrupt, Terminated) as stop:
        how = "The same command, without fresh=true," if settings.fresh else "The same command"
        raise type(stop)(f"{how} goes on from here.") from None
    if code:
        failed = int((_state_of(folder) == 2).sum())
        print(
            f"{_count(failed, 'run')} failed; the rows say why (status=failed, column error).",
            file=sys.stderr,
        )
    print(folder)
    return code


ONCE = ("fresh", "retry_failed")
"""Words that are not meant again when a sweep goes on."""


def _again(words: Sequence[str]) -> str:
    """Return the command by which the whole sweep goes on."""
    kept = []
    rest = iter(words)
    for word in rest:
        name = word.partition("=")[0]
        if name == "--shard":
            if word == name:
                next(rest, "")
        elif name == "--plugin":
            value = word.partition("=")[2] if word != name else next(rest, "")
            kept += [name, str(Path(value).resolve())]
        elif name not in ONCE:
            kept.append(_from_anywhere(word))
    return shlex.join(["clickmarket", "sweep", *kept])


def _from_anywhere(word: str) -> str:
    """Return a word whose file, if it names one, is found in other folders too."""
    from sim.overrides import FILE_KEY
    from sim.study.points import STUDIES

    name, _, value = word.partition("=")
    file = name in (FILE_KEY, "address") or (name == STUDIES and value.endswith((".yaml", ".yml")))
    return f"{name}={Path(value).resolve()}" if file and Path(value).is_file() else word


def _refuse_no_study(words: Sequence[str]) -> None:
    """Refuse a sweep of which nothing is said: it would be one run of the default year."""
    if not words:
        raise UserError(
            "clickmarket sweep needs to be told what to vary; one run is clickmarket run.",
            value="no study and no setting",
            allowed="settings with several values, seeds=N, or study=NAME",
            nearest=A_SWEEP,
        )


def _memory(own: Mapping[str, str]) -> int:
    """Return the memory of a run in MiB, 0 for no limit; with too little no worker comes to play anything."""
    memory = int(_number(own, "memory"))
    if 0 < memory < LEAST_MEMORY_MIB:
        raise UserError(
            "is too little for any run: the program itself takes most of it.",
            path="memory",
            value=memory,
            allowed=f"{LEAST_MEMORY_MIB} MiB of address space or more; 0 for no limit",
            nearest=f"memory={LEAST_MEMORY_MIB}",
        )
    if memory and importlib.util.find_spec("resource") is None:
        raise UserError(
            "cannot be limited on this system.", path="memory", value=memory, allowed="0", nearest="memory=0"
        )
    return memory


def _state_of(folder: Path) -> Any:
    from sim.study.store import Store

    return Store(folder).state()


POINTS_TOLD = 3
"""Points that a plan names before the last one."""


def _tell_plan(study: Any, composer: Any, found: SweepWords, settings: Any) -> None:
    """Print what a sweep would do, and how long; a few runs are played to find out."""
    from sim.plugins import load_plugins
    from sim.study.pilot import expected
    from sim.study.sweep import left_to_play, outcomes_of

    workers, where = _who_plays(found)
    for axis in study.axes:
        what = _count(len(axis.values), "value") if axis.values else f"interval {axis.low:g} to {axis.high:g}"
        print(f"  {axis.path:<45} {what}")
    count = len(composer.points)
    seeds, runs = _count(study.seeds, "seed"), _count(len(composer), "run")
    folder, points, counts = left_to_play(study, composer, found.plugins, settings)
    left, (number, of) = int(counts.sum()), found.shard
    print(f"{_count(count, 'point')} ({study.design}), {seeds}: {runs}")
    for shown in (*range(min(POINTS_TOLD, count - 1)), count - 1):
        left_out = ["  ..."] if shown == count - 1 > POINTS_TOLD else []
        print(*left_out, f"  point {shown:,}: {composer.told(shown)}", sep="\n")
    if folder is not None:
        print(f"begun in {folder}: {_count(left, 'run')} of it left" + f" for shard {number}/{of}" * (of > 1))
    if not left:
        return
    rules = load_plugins(found.plugins) if found.plugins else None
    warm: list[bool] = []

    def play(config: Any) -> float:
        if not warm:
            outcomes_of(config, rules)  # compilation and imports are not what is asked
            warm.append(True)
        began = time.perf_counter()
        outcomes_of(config, rules)
        return time.perf_counter() - began

    each = expected(composer, points, counts, play)
    alike = each.least == each.most
    seconds = each.most * math.ceil(left / workers) if alike else max(each.most, each.total / workers)
    part = "" if of == 1 else f", {_count(left, 'run')} of shard {number}/{of}"
    one = _seconds(each.most) if alike else f"{_seconds(each.least)} to {_seconds(each.most)}"
    print(f"about {one} seconds a run, {each.told}; {_duration(seconds)} {where}{part}")


def _seconds(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _duration(seconds: float) -> str:
    """Spell a time; no calendar holds that of what nobody would wait for."""
    try:
        return str(dt.timedelta(seconds=math.ceil(seconds)))
    except OverflowError:
        return "more than a million years"


def _who_plays(found: SweepWords) -> tuple[int, str]:
    """Return how many runs would be played at once, and where; a cluster at an address is asked."""
    from sim.study import engine

    name, where = found.own.get("engine", "local"), found.own.get("address", "")
    jobs = int(_number(found.own, "jobs")) or engine.cores()
    if where:
        cluster = engine.start(name, where=where)
        cluster.close()
        return cluster.workers, f"on {_count(cluster.workers, 'worker')} of the cluster"
    if name == "serial":
        return 1, "in this process (serial)"
    return jobs, f"on {_count(jobs, 'process')} ({name})"


def _count(number: int, thing: str) -> str:
    """Return a number of things in words."""
    several = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else several}"


def _sort(words: Sequence[str], plugin: Callable[[str], Path]) -> SweepWords:
    study: list[str] = []
    own: dict[str, str] = {}
    plugins: list[Path] = []
    shard, dry_run = (1, 1), False
    from sim.overrides import refuse_misspelt
    from sim.study.points import CARRIED_OUT, STUDIES, USUAL

    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option in ("--plugin", "--shard"):
            value = value if equals else next(rest, "")
            if option == "--plugin":
                plugins.append(plugin(value))
            else:
                shard = _shard(value)
        elif word == "--dry-run":
            dry_run = True
        elif word.startswith("-"):
            one_of("", word, OPTIONS, "There is no such option.", "; settings have no dashes", "*")
        elif option in CARRIED_OUT and equals:
            own[option] = value
        else:
            refuse_misspelt(word, (STUDIES, *USUAL, *CARRIED_OUT), "a sweep")
            study.append(word)
    return SweepWords(study, own, plugins, shard, dry_run)


def _shard(text: str) -> tuple[int, int]:
    number, slash, of = text.partition("/")
    if slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of) <= 100_000:
        return int(number), int(of)
    raise UserError(
        "is not a shard.",
        path="--shard",
        value=text,
        allowed="number/how many, such as 2/8",
        nearest="--shard 1/8",
    )


def _number(own: Mapping[str, str], name: str) -> float:
    """Return a word's number, 0 if it is not given."""
    text = own.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 <= number < 1e9 and (name == "timeout" or number == int(number)):
        return number
    raise UserError(
        "is not a number that can be used.",
        path=name,
        value=text,
        allowed="a number of 0 or more" if name == "timeout" else "a whole number of 0 or more",
        nearest=f"{name}=2",
    )


def _flag(own: Mapping[str, str], name: str) -> bool:
    text = own.get(name, "false")
    if text in ("true", "false"):
        return text == "true"
    raise UserError(
        "is neither true nor false.", path=name, value=text, allowed="true, false", nearest=f"{name}=true"
    )


# ---------------------------------------------------------------- looking after a sweep


def _folder(words: Sequence[str], command: str, pairs: Sequence[tuple[str, str]] = ()) -> Path:
    if len(words) == 1 and _is_sweep(Path(words[0])):
        return Path(words[0])
    sweeps = [word for word in words if _is_sweep(Path(word))]
    if len(sweeps) == 1:
        more = next(word for word in words if word != sweeps[0])
        whole = [sweeps[0], *_complete(command, Path(sweeps[0]), pairs, more)]
        raise UserError(
            f"is one word too many for clickmarket {command}.",
            path="FOLDER",
            value=more,
            allowed="the folder of one sweep" + " and words like outcome=..." * (command in WORDS_OF),
            nearest=shlex.join(["clickmarket", command, *whole]),
        )
    raise UserError(
        f"clickmarket {command} needs the folder of a sweep.",
        value=" ".join(words) or "nothing",
        allowed="the path that clickmarket sweep printed",
        nearest=f"clickmarket {command} {near}" if (near := _sweep_near(words)) else A_SWEEP,
    )


def _is_sweep(folder: Path) -> bool:
    from sim.study.store import is_sweep

    return is_sweep(folder)


RESULTS = "results"
"""Where sweeps are if nothing else was said."""

A_SWEEP = "clickmarket sweep platforms.microwork.requester_fee=0.1,0.2,0.4 seeds=5"
"""What to type where there is no sweep yet."""


def _sweep_near(words: Sequence[str]) -> str:
    """Return the sweep around what was named, or the newest one in it or in `results`."""
    named = Path(words[0] if words else RESULTS)
    within = (sorted(place.glob("*-sweep-*"), reverse=True) for place in (named, Path(RESULTS)))
    near = next(filter(_is_sweep, (*named.parents, *chain.from_iterable(within))), None)
    return shlex.quote(str(near)) if near else ""


CAUSES_TOLD = 3


def status(words: Sequence[str]) -> int:
    """Print how far a sweep is, who plays it or how it goes on, and why runs failed."""
    from sim.study.lock import holders
    from sim.study.store import RUNS, SERIES, SUMMARY_CSV, Store

    store = Store(_folder(words, "status"))
    manifest = store.manifest
    state = store.state()
    done, failed = int((state > 0).sum()), int((state == 2).sum())
    files = _count(len(store.parts()), "file")
    print(f"{done:,} of {len(state):,} runs done, {failed:,} of them failed, {files}")
    if done < len(state):
        who = holders(store.folder)
        print(
            f"being played by {', '.join(who.values())}{_time_left(store, list(who), len(state) - done)}"
            if who
            else "nobody plays it on this machine"
        )
        if not who:
            _tell_how_it_goes_on(store.folder, manifest)
    summary = store.folder / SUMMARY_CSV
    if summary.exists() != (done == len(state)):
        what = "is missing" if done == len(state) else "is of what was there before"
        print(f"{summary} {what}; the same sweep command writes it anew")
    for cause, runs in list(store.failures().items())[:CAUSES_TOLD] if failed else []:
        print(f"failed: {_count(len(runs), 'run')} ({min(runs)}{' and others' * (len(runs) > 1)}): {cause}")
    for _, why in store.damaged():
        print(f"{why} (clickmarket verify tells which runs are missing)")
    for apart in filter(None, map(store.disagreement, (RUNS, SERIES))):
        print(f"{apart.message} (clickmarket verify tells the ways out)")
    return 0


def _tell_how_it_goes_on(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Print the command that plays what is missing here; say so if it would play in another folder."""
    from sim.study.store import command_of
    from sim.study.sweep import taken_up

    command, other = command_of(folder, manifest), taken_up(folder)
    if command:
        print(f"to go on: {command}")
    if other.resolve() != folder.resolve():
        print(
            f"which goes on in {other}: the same sweep. To go on in {folder}, give this one another parent"
            " folder, or take the other out of this one."
        )


def _time_left(store: Any, shards: Sequence[str], runs: int) -> str:
    """Say how long the runs that are left take, as fast as those who play the sweep last were together."""
    from sim.study.store import status_file
    from sim.study.sweep import speed_told

    files = [store.folder / status_file(shard) for shard in shards]
    speed = sum(_read_status(file).get("runs_per_second") or 0.0 for file in files)
    if not speed:
        return ""
    return f", {speed_told(speed)} runs a second: {dt.timedelta(seconds=round(runs / speed))} left"


def _read_status(file: Path) -> dict[str, Any]:
    """Return what a coordinator last said; nothing if there is no whole file, for nothing rests on it."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def verify(words: Sequence[str]) -> int:
    """Check every file of a sweep, and that all runs are there; name what is damaged or missing."""
    from sim.study.reading import load_sweep, wrong_summary
    from sim.study.store import SERIES, Gone, Store

    store = Store(_folder(words, "verify"))
    try:
        manifest = store.manifest
    except UserError as error:
        print(f"{error.message} To be played: all of it, by {error.allowed}.")
        return DAMAGED
    runs = int(manifest["runs"])
    try:
        damaged = [why for _, why in store.damaged()]
        missing = (store.state() == 0).nonzero()[0].tolist()
    except Gone as error:  # the folder of parts is
        damaged, missing = [error.message], list(range(runs))
    if not damaged:
        for look in (lambda: load_sweep(store.folder), lambda: deque(store.blocks(SERIES), 0)):
            try:  # parts that disagree are found where they are put together
                look()
            except UserError as error:
                way = f". To mend it: {error.allowed}. {error.nearest}" if error.allowed else ""
                damaged.append(f"{error.message.rstrip('.') if way else error.message}{way}".strip())
    if not (damaged or missing) and (wrong := wrong_summary(store)):
        damaged.append(f"{wrong} The same sweep command writes it anew, and plays nothing.")
    for why in damaged:
        print(why)
    if missing:
        print(f"{len(missing):,} of {_count(runs, 'run')} are missing. To be played: {_in_rows(missing)}.")
        print("The same sweep command plays them.")
    if damaged or missing:
        _tell_how_it_goes_on(store.folder, manifest)
    if damaged or missing:
        return DAMAGED
    print(f"Whole: {_count(len(store.parts()), 'file')} with {_count(runs, 'run')}.")
    return 0


ROWS_TOLD = 20


def _in_rows(runs: Sequence[int]) -> str:
    """Tell ascending numbers of runs, those that follow each other by the first and the last of them."""
    ends = [place for place in range(1, len(runs)) if runs[place] != runs[place - 1] + 1]
    rows = [runs[first:last] for first, last in pairwise([0, *ends, len(runs)])]
    told = [f"{row[0]}" if len(row) == 1 else f"{row[0]} to {row[-1]}" for row in rows[:ROWS_TOLD]]
    more = sum(map(len, rows[ROWS_TOLD:]))
    return f"run{'s' * (len(runs) > 1)} {', '.join(told)}" + f" and {more:,} more" * (more > 0)


def compact(words: Sequence[str]) -> int:
    """Put the parts of a sweep together."""
    from sim.study.lock import locked
    from sim.study.store import Store

    folder = _folder(words, "compact")
    with locked(folder):
        print(_count(Store(folder).compact(), "file"))
    return 0


# ---------------------------------------------------------------- what it shows

ANALYSIS = "analysis"
WORDS_OF = {
    "sensitivity": ("outcome",),
    "response": ("outcome", "x"),
    "pareto": (),
    "discover": ("outcome", "above"),
    "replications": ("outcome",),
}
"""Analyses, and the words that each needs."""

USUAL_WORDS = {"outcome": "outcome=pay_all_in_median", "above": "above=0.5"}
"""What is named where a word is missing, and nothing in the sweep says what it could be."""

FURTHER = {"response": ("y",), "pareto": ("more", "less"), "replications": ("half_width",)}


def analyse(command: str, words: Sequence[str]) -> int:
    """Carry out an analysis: print its table; write it, and its figure, into the folder."""
    places = [word for word in words if "=" not in word]
    pairs = [(word.partition("=")[0], word.partition("=")[2]) for word in words if "=" in word]
    folder = _folder(places, command, pairs)
    allowed = (*WORDS_OF[command], *FURTHER.get(command, ()))
    for name, value in pairs:
        if command == "discover" and name == "below":  # its value would be no bound from above
            raise UserError(
                "is not a word of clickmarket discover.",
                path=name,
                value=value,
                allowed=", ".join(f"{one}=..." for one in allowed),
                nearest=_word_near(folder, "above", dict(pairs)),
            )
        key_among(name, value, allowed, f"is not a word of clickmarket {command}.")
    _refuse_twice(command, pairs)
    asked = dict(pairs)
    for name in WORDS_OF[command]:
        if name not in asked:
            raise UserError(
                f"is missing: clickmarket {command} needs it.",
                path=name,
                allowed=f"{name}=...",
                nearest=_word_near(folder, name, asked),
            )
    from sim.outcomes.width import width_of_text, wrapped
    from sim.study.reading import load_sweep

    sweep = load_sweep(folder)
    table, figure, told = ANSWERS[command](sweep, asked, pairs)
    name = _name_of(command, pairs)
    _tell_what_is_missing(sweep)
    kept = _keep(folder, name, table, figure)  # first: whoever reads may go after a few lines
    print(_units(sweep, asked, pairs))
    shown = table[table["front"]].drop(columns="front") if command == "pareto" else table
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else width_of_text()
    print(shown.to_string(index=False, float_format=lambda number: f"{number:.4g}", line_width=columns))
    for line in told.splitlines():
        print("\n".join(wrapped(line, columns)))
    print(kept)
    return 0


LONGEST_NAME = 120
"""Letters of the name of an analysis' files."""


def _name_of(command: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Return a name for an analysis' files that no other question has; a long one ends in a hash."""
    words = [f"{name}={value}" for name, value in pairs]
    name = "-".join([command, *words]).replace("/", "_")
    if len(name.encode()) <= LONGEST_NAME and "/" not in "".join(words):
        return name
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]
    kept = name.encode()[: LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{kept}-{digest}"


def _complete(command: str, folder: Path, pairs: Sequence[tuple[str, str]], more: str) -> list[str]:
    """Return the words of an analysis, with those that it needs; one word more may be an outcome's name."""
    from sim.study.reading import load_sweep

    asked = dict(pairs)
    words = [f"{name}={value}" for name, value in pairs]
    if command == "pareto":
        return words if len(words) > 1 else ["more=pay_all_in_median", "less=unpaid_share"]
    for name in WORDS_OF.get(command, ()):
        if name not in asked:
            meant = name == "outcome" and more in load_sweep(folder).outcomes
            word = f"{name}={more}" if meant else _word_near(folder, name, asked)
            words.append(word)
            asked[name] = word.partition("=")[2]
    return words


def _word_near(folder: Path, name: str, asked: Mapping[str, str]) -> str:
    """Return a word that an analysis lacks, with a value that this sweep has."""
    from sim.study.analysis import bound_near, check_outcome
    from sim.study.reading import load_sweep

    sweep = load_sweep(folder)
    if name == "x" and sweep.axes:
        return f"x={sweep.axes[0]}"
    if name == "above" and "outcome" in asked:
        return bound_near(sweep, check_outcome(sweep, asked["outcome"]))
    return USUAL_WORDS.get(name, "")


def _tell_what_is_missing(sweep: Any) -> None:
    """Say on standard error if an answer rests on a part of the runs."""
    runs, done = int(sweep.manifest["runs"]), len(sweep.experiments)
    failed = int((sweep.experiments["status"] == "failed").sum())
    if done < runs:
        print(f"The sweep is not done: {done:,} of {runs:,} runs are there.", file=sys.stderr)
    if failed:
        print(f"Without the {_count(failed, 'run')} that failed.", file=sys.stderr)


def _units(sweep: Any, asked: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> str:
    """Name the outcomes that are asked about, with their units."""
    names = asked.get("outcome", "").split(",") if "outcome" in asked else [value for _, value in pairs]
    units = sweep.manifest["units"]
    return ", ".join(f"{name} ({units[name]})" for name in names if name in units)


def _refuse_twice(command: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse a word that is given twice; goals may be several, but each outcome is one of them once."""
    found: set[str] = set()
    for name, value in pairs:
        goal = command == "pareto"
        if (value if goal else name) in found:
            raise UserError(
                "is a goal twice." if goal else "is given twice.",
                path=value if goal else name,
                value=f"{name}={value}",
                allowed="each outcome once, as more=OUTCOME or as less=OUTCOME"
                if goal
                else f"one {name}=...",
                nearest=" ".join(f"{one}={other}" for one, other in _once(pairs, goal)),
            )
        found.add(value if goal else name)


def _once(pairs: Sequence[tuple[str, str]], goal: bool) -> list[tuple[str, str]]:
    """Return the words without those that repeat an earlier one."""
    kept: dict[str, tuple[str, str]] = {}
    for name, value in pairs:
        kept.setdefault(value if goal else name, (name, value))
    return list(kept.values())


def _keep(folder: Path, name: str, table: Any, figure: Any) -> Path:
    """Write an analysis' table and figure; return the table's file."""
    from sim.figures import style
    from sim.study.reading import harmless
    from sim.study.result import replacing

    place = folder / ANALYSIS
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{place} cannot be made: {error.strerror}.", path=str(place)) from error
    path = place / f"{name}.csv"
    with replacing(path) as file:
        harmless(table).to_csv(file, index=False, float_format="%.10g")
    style.save(figure, place, name)
    return path


def _sensitivity(sweep: Any, asked: Mapping[str, str], _: Any) -> tuple[Any, Any, str]:
    from sim.figures import study
    from sim.study.analysis import covered, sensitivity, without_told

    table = sensitivity(sweep, asked["outcome"])
    told = (covered(sweep, asked["outcome"]), *table.attrs["notes"], without_told(sweep, [asked["outcome"]]))
    return table, study.tornado(sweep, asked["outcome"], table), _lines(*told)


def _lines(*told: str) -> str:
    """Return what is told, a line each, without what is empty."""
    return "\n".join(filter(None, told))


def _response(sweep: Any, asked: Mapping[str, str], _: Any) -> tuple[Any, Any, str]:
    from sim.figures import study
    from sim.study.analysis import (
        few_runs,
        fewer_seeds,
        left_out,
        others_told,
        peak,
        peak_sentence,
        response,
        without_told,
    )

    outcome, x, y = asked["outcome"], asked["x"], asked.get("y", "")
    table = response(sweep, outcome, x, y)
    few = _lines(
        few_runs(table),
        others_told(sweep, outcome, table, [x, y] if y else [x]),
        fewer_seeds(sweep, [outcome]),
        left_out(sweep, [outcome]),
        without_told(sweep, [outcome]),
    )
    if y:
        return table, study.heat_map(sweep, outcome, table), few
    try:
        top = peak(sweep, outcome, x)
    except UserError:
        return table, study.curve(sweep, outcome, table), few
    if table["mean"].nunique() == 1:
        told = f"the same wherever {x} was tried"
        return table, study.curve(sweep, outcome, table, top), _lines(told, few)
    return table, study.curve(sweep, outcome, table, top), _lines(peak_sentence(top), few)


def _pareto(sweep: Any, _: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> tuple[Any, Any, str]:
    from sim.figures import study
    from sim.study.analysis import fewer_seeds, left_out, pareto, unfunded_told, without_told

    goals = {value: 1 if name == "more" else -1 for name, value in pairs}
    if len(goals) < 2:
        raise UserError(
            "needs two goals at least.",
            path="pareto",
            value=", ".join(goals) or "none",
            allowed="more=OUTCOME and less=OUTCOME, each as often as you like",
            nearest="more=pay_all_in_median less=unpaid_share",
        )
    table = pareto(sweep, goals)
    told = f"no other point is better in all: {int(table['front'].sum()):,} of {_count(len(table), 'point')}"
    outcomes = list(goals)
    less = fewer_seeds(sweep, outcomes), left_out(sweep, outcomes)
    more = unfunded_told(table), without_told(sweep, outcomes)
    return table, study.front(sweep, goals, table), _lines(told, *less, *more)


def _discover(sweep: Any, asked: Mapping[str, str], _: Any) -> tuple[Any, Any, str]:
    from sim.figures import study
    from sim.study.analysis import discover, few_inside, fewer_seeds, left_out, without_told

    above = _real(asked["above"], "above")
    table = discover(sweep, asked["outcome"], above)
    found = table.attrs
    told = (
        f"{found['share_inside']:.0%} of the {found['points_inside']} points inside lie above,"
        f" {found['share_of_all']:.0%} of all do; the box holds {found['coverage']:.0%} of those that do"
    )
    outcomes = [asked["outcome"]]
    few = few_inside(table), fewer_seeds(sweep, outcomes), left_out(sweep, outcomes)
    return (
        table,
        study.box(sweep, asked["outcome"], above, table),
        _lines(told, *few, without_told(sweep, outcomes)),
    )


def _replications(sweep: Any, asked: Mapping[str, str], _: Any) -> tuple[Any, Any, str]:
    from sim.figures import study
    from sim.study.analysis import no_deviation, replications

    half = _real(asked.get("half_width", "0.05"), "half_width")
    outcomes = asked["outcome"].split(",")
    once = list(dict.fromkeys(outcomes))
    if len(once) < len(outcomes):
        raise UserError(
            "names an outcome twice.",
            path="outcome",
            value=asked["outcome"],
            allowed="each outcome once",
            nearest=f"outcome={','.join(once)}",
        )
    table = replications(sweep, outcomes, half)
    told = (
        f"seeds_needed: seeds for a 95 % interval of ± {100 * half:g} % of the mean at a point;"
        " half_width_now is a share of the mean too"
    )
    return table, study.seeds_needed(sweep, table, half), _lines(told, no_deviation(table))


def _real(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError("is not a number.", path=name, value=text, allowed="a number", nearest=f"{name}=0.05")
    return number


ANSWERS: Mapping[str, Callable[[Any, Mapping[str, str], Any], tuple[Any, Any, str]]] = {
    "sensitivity": _sensitivity,
    "response": _response,
    "pareto": _pareto,
    "discover": _discover,
    "replications": _replications,
}
"""Each returns its table, its figure, and a sentence."""
