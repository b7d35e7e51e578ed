"""The command of an experiment: play, judge, print the verdict, write table and figures."""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.metadata
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments import ALL
from experiments.asking import SIZES, Asked, ask
from experiments.outcomes import Outcomes
from experiments.playing import play
from experiments.verdict import Finding, table_of, verdict
from sim.cli import INTERRUPTED, TERMINATED, USER_ERROR
from sim.compile import source_hash
from sim.errors import Terminated, UserError, one_of
from sim.figures import style
from sim.outcomes.width import width_of_text, wrapped
from sim.study.analysis import LEAST_SEEDS
from sim.study.reading import harmless
from sim.study.result import MANIFEST, replacing, write_frame, write_manifest, write_text
from sim.study.samples import LEAST_REQUESTERS, few_seeds
from sim.validation import check_folder

FIGURES = "figures"
FINDINGS, TABLE, RUNS, VERDICT = "findings", "table", "runs", "verdict.txt"
USAGE = f"""Play an experiment, judge its claims and write verdict, tables and figures into results/.

  python -m experiments NAME ... [WORDS]     one or several; without a name, all
  python -m experiments.NAME [WORDS]         one

Words:
  size={"|".join(SIZES)}    how large; small is for tests and says nothing of the world (default full)
  seeds=N                    runs of each scenario, with seeds in a row
  jobs=N                     processes at a time (default one for each core)
  results.dir=FOLDER         where the folder of results is made
  KEY=VALUE                  a setting of the model, for every scenario

The same command goes on where a killed one stopped.
Names: {", ".join(ALL)}
"""


def days_told(what: str, days: int) -> Callable[[int], None]:
    """Return a function that tells a terminal how many of all simulated days are done, and what is left."""
    done, watched, began = 0, sys.stderr.isatty(), dt.datetime.now()

    def tell(place: int) -> None:
        nonlocal done
        done += 1
        if watched and done % 50 == 0:
            left = (dt.datetime.now() - began) / done * (days - done)
            print(f"\r{what}: {done / days:.0%}, {left} left ", end="", file=sys.stderr, flush=True)

    return tell


def main(module: Any) -> int:
    """Carry out the command of one experiment, named by its module's file; return the exit code."""
    return command([Path(module.__file__).stem, *sys.argv[1:]])


def command(words: Sequence[str]) -> int:
    """Carry out the command of experiments and return its exit code."""
    return guarded(_play_named, words, USAGE)


def _play_named(words: Sequence[str]) -> None:
    names = [word for word in words if "=" not in word]
    for name in names:
        one_of("", name, ALL, f"{name} is no experiment.", typed="*")
    rest = [word for word in words if "=" in word]
    asked = [ask(name, rest) for name in names or ALL]
    for one in asked:
        check_folder(next(iter(one.configs.values())).results.dir, "results.dir")
    for one in asked:
        carry_out(one, rest)


def guarded(carry: Callable[[Sequence[str]], object], words: Sequence[str], usage: str) -> int:
    """Carry out the words of a command or print its usage; return the exit code, errors in a sentence."""
    if {"--help", "-h"} & set(words):
        print(usage, end="")
        return 0
    try:
        carry(words)
    except UserError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return USER_ERROR
    except (KeyboardInterrupt, Terminated) as stop:
        print(" ".join(["experiments: stopped.", *map(str, stop.args)]), file=sys.stderr)
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED
    return 0


def carry_out(asked: Asked, words: Sequence[str]) -> Path:
    """Play an experiment, judge it, write its folder and print the verdict; return the folder."""
    script = importlib.import_module(f"experiments.{asked.name}")
    folder, rows, budgets = play(asked)
    outcomes = Outcomes(rows, asked.points, asked.configs, budgets)
    findings: list[Finding] = script.judge(outcomes)
    told = verdict(findings)
    notes = [*caution(asked), *(script.notes(outcomes) if hasattr(script, "notes") else [])]
    (folder / FIGURES).mkdir(exist_ok=True)
    for name, figure in script.draw(outcomes, findings, caption(asked)).items():
        style.save(figure, folder / FIGURES, name)
    tables = {FINDINGS: table_of(findings), TABLE: script.table(outcomes), RUNS: rows}
    for name, table in tables.items():
        write_table(folder / name, table)
    text = as_text(asked, told, notes)
    write_text(folder / VERDICT, text)
    written = {"verdict": told, "notes": notes, "budgets": budgets, **describe(asked, words)}
    write_manifest(folder, json.loads(json.dumps(written)), passing=left_out(folder))
    print(text + f"\n{folder}\n")
    return folder


def caution(asked: Asked) -> list[str]:
    """Say on how little the intervals rest, where it is little."""
    fewest = min(model_requesters(asked))
    few = [few_seeds(asked.seeds)] if asked.seeds < LEAST_SEEDS else []
    few += [f"{fewest} requesters (fewer than {LEAST_REQUESTERS})"] if fewest < LEAST_REQUESTERS else []
    narrow = (
        " Intervals of places where a curve crosses a bound are too narrow."
        if asked.seeds < LEAST_SEEDS
        else ""
    )
    told = f"Caution: this rests on {' and '.join(few)}; another market of so few may differ more.{narrow}"
    return [told] if few else []


def model_requesters(asked: Asked) -> list[int]:
    """Return how many requesters the scenarios have."""
    return [
        config.requesters.count or round(0.03 * config.workers.count) for config in asked.configs.values()
    ]


def caption(asked: Asked) -> str:
    """Return what every figure of an experiment rests on."""
    configs = list(asked.configs.values())
    workers = sorted({config.workers.count for config in configs})
    days = sorted({(config.time.warmup_days, config.time.days) for config in configs})
    return (
        f"Simulated: {' or '.join(f'{count:,}' for count in workers)} workers,"
        f" {' or '.join(f'{after} days after {before}' for before, after in days)}, {asked.seeds} seeds, bars"
        f" and bands 95 % over them; size {asked.size};"
        f" clickmarket {importlib.metadata.version('clickmarket')}, sources {source_hash()[:12]}."
    )


def as_text(asked: Asked, told: Sequence[str], notes: Sequence[str]) -> str:
    """Return the verdict as it is printed."""
    width = width_of_text()
    lines = [f"{asked.name} ({', '.join(asked.claims)}), size {asked.size}, {asked.seeds} seeds"]
    lines += wrapped(asked.question, width)
    for sentence in (*told, *notes):
        lines += ["", *wrapped(sentence, width)]
    return "\n".join(lines) + "\n"


def describe(asked: Asked, words: Sequence[str]) -> dict[str, Any]:
    """Return what the manifest says of an experiment."""
    first = next(iter(asked.configs.values()))
    return {
        "experiment": asked.name,
        "claims": list(asked.claims),
        "question": asked.question,
        "size": asked.size,
        "seeds": list(range(first.seed, first.seed + asked.seeds)),
        "scenarios": list(asked.configs),
        "runs": len(asked.configs) * asked.seeds,
        "command": " ".join([f"python -m experiments.{asked.name}", *words]),
        "version": importlib.metadata.version("clickmarket"),
        "source_hash": source_hash(),
        "written": dt.datetime.now().isoformat(timespec="seconds"),
        "caption": caption(asked),
    }


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as Parquet and as CSV."""
    write_frame(table, path.with_suffix(".parquet"), {})
    with replacing(path.with_suffix(".csv")) as file:
        file.write(harmless(table).to_csv(index=False, float_format="%.10g").encode("utf-8"))


def left_out(folder: Path) -> list[str]:
    """Return the names of the files that hold single runs, from which all else is made again."""
    inside = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in inside if path.parent != folder and path.parent.name != FIGURES]


def means(values: np.ndarray[Any, Any]) -> float:
    """Return the mean of values that are numbers; NaN of none."""
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if len(kept) else float("nan")


__all__ = ["FIGURES", "MANIFEST", "carry_out", "command", "main", "means"]
