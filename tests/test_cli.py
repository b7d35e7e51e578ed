"""The command `clickmarket`: help, exit codes, and nothing written when anything is refused."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim import cli
from sim.cli import COMMANDS, EXPLAINED_BY_COMPARE, HELP_COLUMNS, HELP_LINES, MAIN_PARAMETERS, fit, main
from sim.composition import compose, conf_folder, group_options, to_plain
from sim.config import Config
from sim.schema import describe, spell
from tests.conftest import Exercised
from tests.support.planting import planted

ROOT = Path(__file__).resolve().parent.parent


class Executor:
    """Stands in for the study: notes what it was asked to run."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.raises: BaseException | None = None

    def __call__(self, config: Config, **rest: Any) -> Path:
        self.calls.append({"config": config, **rest})
        if self.raises is not None:
            raise self.raises
        return Path(config.results.dir) / "a_run"


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Executor:
    """Work in an empty folder, with the executor in place of `sim.study.run`."""
    stand_in = Executor()
    module = types.ModuleType("sim.study.run")
    module.execute = stand_in  # type: ignore[attr-defined]
    package = types.ModuleType("sim.study")
    package.run = module  # type: ignore[attr-defined]
    package.__path__ = [str(ROOT / "sim" / "study")]  # other parts of it are what they are
    monkeypatch.setitem(sys.modules, "sim.study", package)
    monkeypatch.setitem(sys.modules, "sim.study.run", module)
    monkeypatch.chdir(tmp_path)
    return stand_in


def test_a_run_prints_its_folder_last(executor: Executor, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "workers.count=50", "seed=7", "results.dir=here"]) == 0
    (call,) = executor.calls
    assert (call["config"].workers.count, call["config"].seed) == (50, 7)
    assert call["plugins"] == [] and call["resume"] is None
    assert capsys.readouterr().out.splitlines()[-1] == "here/a_run"


def test_plugins_and_checkpoints_are_passed_on(executor: Executor, tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("")
    (tmp_path / "more.py").write_text("")
    (tmp_path / "saved").mkdir()
    words = ["run", "--plugin", "rules.py", "--plugin=more.py", "resume=saved", "compute.threads=2"]
    assert main(words) == 0
    (call,) = executor.calls
    assert call["plugins"] == [Path("rules.py"), Path("more.py")]
    assert call["resume"] == Path("saved") and call["config"].compute.threads == 2


@pytest.mark.parametrize(
    "words",
    [
        ["rn"],
        ["--verison"],
        ["run", "workers.cuont=5"],
        ["run", "workers.count=0"],
        ["run", "world=gobal"],
        ["run", "--plugin"],
        ["run", "--plugin", "none.py"],
        ["run", "--plugin", "file"],
        ["run", "--plugin="],
        ["run", "--cfg"],
        ["run", "--cfg", "hydra"],
        ["run", "--confg"],
        ["run", "-m", "seed=1,3"],
        ["run", "seed=1,2"],
        ["run", "resume=nowhere"],
        ["run", "resume="],
        ["run", "resume=saved", "seed=2"],
        ["run", "resume=saved", "world=global"],
        ["run", "config=nowhere.yaml"],
        ["run", "config="],
        ["run", "config=."],
        ["run", "results.dir=file"],
        ["run", "results.dir=file/below"],
        ["run", "results.dir=/proc/none"],
        ["run", "results.dir='~/results'"],
        ["run", "results.dir=" + "x" * 300],
        ["run", ""],
        ["run", "seed"],
        ["sweep"],
        ["sweep", "--dry-run"],
        ["sweep", "engine=serial"],
        ["sweep", "seeds=2", "memory=1"],
        ["sweep", "seeds=2", "memory=2047"],
    ],
)
def test_refusals(
    executor: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "saved").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == "" and executor.calls == []
    assert told.err.startswith("clickmarket: ") and 2 <= len(told.err.splitlines()) <= 5
    assert "  allowed  " in told.err and "  nearest  " in told.err, told.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("words", [["--help"], ["sweep", "--help"], ["completion", "bash"]])
def test_a_reader_who_goes_is_no_error(words: list[str], exercised: Exercised) -> None:
    """As by `| head`: no traceback, and the exit code that a shell gives such an end."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "sim", *words]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (cli.NOBODY_READS, "")
    exercised("commands whose reader went", 1, 1)


def test_another_broken_pipe_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not behind the output is a fault like others."""

    def broken(words: Any) -> int:
        raise BrokenPipeError("some other pipe")

    monkeypatch.setattr(cli, "_dispatch", broken)
    with pytest.raises(BrokenPipeError):
        main(["--version"])


def test_the_nearest_command_is_named(executor: Executor, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rnu"]) == 2
    assert "clickmarket run" in capsys.readouterr().err


def test_interruption_and_faults(executor: Executor, capsys: pytest.CaptureFixture[str]) -> None:
    executor.raises = KeyboardInterrupt()
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "clickmarket: stopped.\n"
    executor.raises = RuntimeError("a fault of the program")
    with pytest.raises(RuntimeError):
        main(["run"])


def test_cfg_job_prints_a_configuration_that_runs(
    executor: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--cfg", "job", "seed=5"]) == 0
    printed = capsys.readouterr().out
    assert executor.calls == [] and list(tmp_path.iterdir()) == []
    values = yaml.safe_load(printed)
    assert values.pop("defaults") == []
    assert values == to_plain(compose(["seed=5"]))
    (tmp_path / "mine.yaml").write_text(printed)
    assert main(["run", "config=mine.yaml", "--cfg=job"]) == 0
    assert capsys.readouterr().out == printed


def test_help_reads_the_declarations(executor: Executor, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row.path: row for row in describe(Config)}
    assert len(MAIN_PARAMETERS) == 10
    for words in (["run", "--help"], ["run", "-h", "world=nothing"]):
        assert main(words) == 0
        text = capsys.readouterr().out
        for path in MAIN_PARAMETERS:
            assert f"{path}={spell(rows[path].limits.default)}" in text
            assert rows[path].meaning.split(";")[0] in " ".join(text.split())
        for group, names in group_options(conf_folder()).items():
            assert f"{group}=" in text
            if group not in EXPLAINED_BY_COMPARE:
                assert all(f"{group}={name}" in text for name in names)
        assert max(len(line) for line in text.splitlines()) <= HELP_COLUMNS
        assert len(text.splitlines()) <= HELP_LINES
        assert "* world=global" in text
    assert executor.calls == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("six_regions", "clickmarket run world=six_regions"),
        ("workers.count=5", "clickmarket run workers.count=5"),
        ("cmpare", "clickmarket compare"),
        ("zzzzzz", "clickmarket --help"),
        ("run six_region", "world=six_regions"),
        ("run workers.count", "workers.count=20_000"),
        ("run workers.cuont", "workers.count=20_000"),
        ("run days", "time.days=365"),
        ("run seed 7", "seed=7"),
        ("run world six_regions", "world=six_regions"),
        ("run usage_tax", "policy=usage_tax"),
        ("run wrld=six_regions", "world=six_regions"),
        ("run --days 7", "time.days=7"),
        ("run --seed=7", "seed=7"),
        ("run --plugn x.py", "--plugin FILE"),
        ("run 5000", "clickmarket run --help"),
        ("compare none six_region", "world=six_regions"),
        ("compare none usage_tx", "usage_tax"),
        ("sweep six_regions", "world=six_regions"),
        ("validate mturk_2015", "world=mturk_2015"),
    ],
)
def test_what_a_bare_word_may_mean(words: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"  nearest  {meant}"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", ["60", "100"])
def test_refusals_fit_a_terminal(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "workers.cuont=5000"]
    assert main(words) == 2
    piped = capsys.readouterr().err
    assert max(map(len, piped.splitlines())) > 100, "whoever reads a pipe gets a line for each part"
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert main(words) == 2
    told = terminal.getvalue()
    assert max(map(len, told.splitlines())) <= int(columns) and told.split() == piped.split()
    assert told.splitlines()[-1] == "  nearest  workers.count=5000"


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        ("explore port=80", "port"),
        ("completion xsh", "completion"),
        ("sweep seeds=2 study=nope", "study"),
        ("run world.table=nope.csv", "world.table"),
        ("run results.dir=/proc/x", "results.dir"),
    ],
)
def test_a_refusal_says_of_what_it_is(words: str, subject: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"clickmarket: {subject} ") and "\n  nearest  " in told, told


def test_only_files_that_would_do_are_called_the_nearest(
    executor: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is called the nearest is typed back; without any such file it is a command."""

    def near(*words: str) -> list[str]:
        assert main(words) == 2
        return capsys.readouterr().err.splitlines()[-1].removeprefix("  nearest  ").split()

    for name, text in ((".nope.yaml", "seed: 1"), ("nopes.yaml", "repos: []"), (".nope.py", "")):
        (tmp_path / name).write_text(text)
    assert near("run", "config=nope.yaml") == ["clickmarket", "run", "--cfg", "job", ">", "nope.yaml"]
    assert near("run", "--plugin", "nope.py") == ["clickmarket", "run", "--help"]
    (tmp_path / "other.yaml").write_text("seed: 5")
    (tmp_path / "other.py").write_text("")
    words = [*near("run", "config=nope.yaml"), *near("run", "--plugin", "nope.py")]
    assert words == ["config=other.yaml", "--plugin", "other.py"] and main(["run", *words]) == 0
    assert near("compare", "none", "nope.yaml") == ["other.yaml"]


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("command", ["", *(c for c in COMMANDS if c != "completion")])
def test_help_fits_the_width(command: str, columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    fitted = fit(text, columns)
    longest = max(fitted.splitlines(), key=len)
    assert len(longest) <= columns or " " not in longest.strip(), longest
    assert fitted.split() == text.split()
    if not command:
        assert fitted.count("\n") < 24 or columns < 80


def test_no_word_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    told = capsys.readouterr().out
    assert "clickmarket --help" in told and "Newest" not in told and told.count("\n") < 24
    assert max(map(len, told.splitlines())) <= 80
    for name in ("20260101-a", "20260301-b", "20260201-c"):
        (tmp_path / "results" / name).mkdir(parents=True)
        (tmp_path / "results" / name / "manifest.json").write_text("{}")
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Newest results here: {Path('results/20260301-b')}"


def test_usage_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--help"], ["-h"], ["help"]):
        assert main(words) == 0
        assert "clickmarket run" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("clickmarket ")


def test_help_and_refusals_import_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from sim.cli import main\n"
        "codes = [main(['run', '--help']), main(['run', '--cfg', 'job']), main(['run', 'workers.count=0'])]\n"
        "heavy = {'numba', 'mesa', 'pandas', 'matplotlib', 'scipy', 'pyarrow', 'numpy'}\n"
        "print('RESULT', codes, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.stdout.splitlines()[-1] == "RESULT [0, 0, 2] []", done.stdout + done.stderr


def test_a_refusal_in_a_process_of_its_own_has_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from sim.cli import main; sys.exit(main())", "run", b"seed=\xff"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 5 and list(tmp_path.iterdir()) == []


TOO_LITTLE = (
    MemoryError("Unable to allocate 763. MiB"), MemoryError(), RuntimeError("can't start new thread"),
    OSError(12, "Cannot allocate memory"),
)  # fmt: skip


def check_memory(module: Any, executor: Executor, capsys: pytest.CaptureFixture[str]) -> int:
    """Too little memory is told in a sentence; what is no such thing keeps its traceback."""
    for error in TOO_LITTLE:
        executor.raises = error
        assert module.main(["run"]) == 2
        told = capsys.readouterr().err.splitlines()
        assert told[0].startswith("clickmarket: There is too little memory: ") and len(told) == 2, told
    executor.raises = RuntimeError("a mistake of ours")
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        module.main(["run"])
    return len(TOO_LITTLE)


def test_too_little_memory_is_told(
    executor: Executor, capsys: pytest.CaptureFixture[str], exercised: Exercised
) -> None:
    exercised("errors", check_memory(cli, executor, capsys), 4)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("if not out_of_memory(error):", "if False:"),
        ("if not out_of_memory(error):", "if True:"),
        ("isinstance(error, MemoryError) or any", "any"),
    ],
)
def test_memory_that_is_told_otherwise_is_noticed(
    old: str, new: str, executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((AssertionError, MemoryError, RuntimeError, pytest.fail.Exception)):
        check_memory(planted(cli, old, new), executor, capsys)
