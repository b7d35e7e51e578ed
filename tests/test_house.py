"""The house: imports go down only, no file belongs to one machine, nothing runs code from data."""

from __future__ import annotations

import ast
import graphlib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.conftest import Exercised

ROOT = Path(__file__).resolve().parent.parent

# Floor -> its rooms. A room is a file, a folder (with a slash), or some that belong together.
FLOORS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        (
            "clock.py",
            "columns.py",
            "compile.py",
            "config.py",
            "draws.py",
            "errors.py",
            "garbage.py",
            "instruments.py",
            "intelligence.py",
            "money.py",
            "numeric.py",
            "parameters.py",
            "plain_yaml.py",
            "schema.py",
            "stopping.py",
            "validation.py",
        ),
    ),
    (("ledger.py",), ("world/",)),
    (("agents/rules.py",), ("agents/",), ("policy/",), ("market/",)),
    (("outcomes/",),),
    (("checkpoint.py",), ("schedule.py",), ("model.py",)),
    (("composition.py", "overrides.py", "plugins.py"), ("study/",)),
    (
        ("figures/",),
        ("report/",),
        ("app/",),
        ("cli_sweep.py",),
        ("cli_validate.py",),
        ("cli_figures.py",),
        ("completion.py",),
        ("doctor.py",),
        ("cli.py",),
        ("__main__.py",),
        ("__init__.py",),
    ),
)
ORDERED_FLOORS = {2, 4, 5, 6}  # a room may import from the rooms before it on these floors
OF_AGENTS_FOR_MARKET = {"agents/rules.py", "agents/traits.py"}  # a market knows columns, never agent classes


class Place(NamedTuple):
    """Where a file stands."""

    floor: int
    room: int

    def may_import(self, other: Place) -> bool:
        """Tell whether an import from `other` goes down, or stays where that is allowed."""
        if self.floor != other.floor:
            return self.floor > other.floor
        return self.room == other.room or (self.floor in ORDERED_FLOORS and self.room > other.room)


class Import(NamedTuple):
    """One import; files are named by their path within `sim/`."""

    source: str
    line: int
    target: str


def place(path: str) -> Place | None:
    """Return where a file stands; the longest name that fits decides."""
    fits = [
        (len(name), Place(floor, room))
        for floor, rooms in enumerate(FLOORS)
        for room, names in enumerate(rooms)
        for name in names
        if path == name or (name.endswith("/") and path.startswith(name))
    ]
    return max(fits)[1] if fits else None


def as_path(package: Path, module: str) -> str:
    """Return the file or folder of a module, whether or not it exists: `sim.money` -> `money.py`."""
    inner = module.split(".")[1:]
    folder = package.joinpath(*inner)
    if not folder.is_dir():
        return "/".join(inner) + ".py"
    if (folder / "__init__.py").exists():
        return "/".join([*inner, "__init__.py"])
    return "/".join(inner) + "/"


def modules_named(package: Path, path: str, node: ast.AST) -> Iterator[str]:
    """Yield the modules of the project that a statement or a call imports."""
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names)
    elif isinstance(node, ast.ImportFrom):
        within = ["sim", *Path(path).parts[:-1]]
        above = within[: len(within) - node.level + 1] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        for name in node.names:
            inner = package.joinpath(*module.split(".")[1:], name.name)
            yield f"{module}.{name.name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else module
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        yield from (str(word.value) for word in node.args[:1] if isinstance(word, ast.Constant))


def imports(package: Path) -> list[Import]:
    """Return every import of one file of the package from another, wherever in a file it stands."""
    files = {file.relative_to(package).as_posix(): file for file in package.rglob("*.py")}
    found = {
        Import(path, node.lineno, as_path(package, module))
        for path, file in files.items()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for module in modules_named(package, path, node)
        if module.split(".")[0] == "sim"
    }
    return sorted(found)


def unplaced(package: Path) -> list[str]:
    """Return a sentence for each file that no floor has."""
    files = sorted(file.relative_to(package).as_posix() for file in package.rglob("*.py"))
    return [
        f"sim/{path} stands on no floor: give it its place in FLOORS of tests/test_house.py."
        for path in files
        if place(path) is None
    ]


def upward(found: list[Import]) -> list[str]:
    """Return a sentence for each import that does not go down."""
    problems = []
    for source, line, target in found:
        here, there = place(source), place(target)
        if here is None or there is None:
            continue
        where = f"sim/{source}, line {line}, imports sim/{target}"
        if not here.may_import(there):
            problems.append(f"{where}: from floor {here.floor} to floor {there.floor}, against the order.")
        elif (
            source.startswith("market/")
            and target.startswith("agents/")
            and target not in OF_AGENTS_FOR_MARKET
        ):
            problems.append(f"{where}: a market knows columns and rules, never agent classes.")
    return problems


def circle(found: list[Import]) -> list[str]:
    """Return the files of one circle of imports, if there is one."""
    graph: dict[str, set[str]] = {}
    for source, _, target in found:
        graph.setdefault(source, set()).add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def problems_of(package: Path) -> list[str]:
    """Return all that is wrong with the imports of a package."""
    found = imports(package)
    round_trip = circle(found)
    circles = [f"these import each other in a circle: {' <- '.join(round_trip)}"] if round_trip else []
    return unplaced(package) + upward(found) + circles


def test_imports_go_down_only(exercised: Exercised) -> None:
    package = ROOT / "sim"
    assert problems_of(package) == []
    exercised("files", len(list(package.rglob("*.py"))), at_least=40)
    exercised("imports of one file from another", len(imports(package)), at_least=150)


@pytest.fixture
def empty_house(tmp_path: Path) -> Path:
    """Make a package with the files of the real one, all empty."""
    package = tmp_path / "sim"
    for file in (ROOT / "sim").rglob("*.py"):
        twin = package / file.relative_to(ROOT / "sim")
        twin.parent.mkdir(parents=True, exist_ok=True)
        twin.touch()
    return package


@pytest.mark.parametrize(
    ("path", "planted", "told"),
    [
        ("market/board.py", "from sim.model import ClickWorkModel", "from floor 2 to floor 4"),
        ("market/board.py", "def late():\n    import sim.cli as c\n    return c", "from floor 2 to floor 6"),
        ("market/board.py", "if TYPE_CHECKING:\n    from sim import model", "from floor 2 to floor 4"),
        ("market/board.py", "from ..study import run", "from floor 2 to floor 5"),
        ("market/board.py", "importlib.import_module('sim.outcomes.frames')", "from floor 2 to floor 3"),
        ("market/board.py", "from sim.agents.worker import Worker", "never agent classes"),
        ("agents/worker.py", "from sim.market.board import Board", "from floor 2 to floor 2"),
        ("agents/rules.py", "from sim.agents import traits", "from floor 2 to floor 2"),
        ("policy/channels.py", "import sim.market.search", "from floor 2 to floor 2"),
        ("ledger.py", "from sim.world import World", "from floor 1 to floor 1"),
        ("world/countries.py", "from sim import ledger", "from floor 1 to floor 1"),
        ("config.py", "from sim import ClickWorkModel", "from floor 0 to floor 6"),
        ("config.py", "from . import ledger", "from floor 0 to floor 1"),
        ("composition.py", "from sim.study.result import load", "from floor 5 to floor 5"),
        ("spare.py", "", "stands on no floor"),
        ("attic/box.py", "", "stands on no floor"),
    ],
)
def test_a_planted_fault_is_found(empty_house: Path, path: str, planted: str, told: str) -> None:
    assert problems_of(empty_house) == []
    file = empty_house / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(planted, encoding="utf-8")
    (problem,) = problems_of(empty_house)
    assert f"sim/{path}" in problem
    assert told in problem


def test_a_circle_is_found(empty_house: Path) -> None:
    (empty_house / "money.py").write_text("from sim import numeric", encoding="utf-8")
    (empty_house / "numeric.py").write_text("from sim.errors import UserError", encoding="utf-8")
    assert problems_of(empty_house) == []
    (empty_house / "errors.py").write_text("def late():\n    from sim.money import MICRO", encoding="utf-8")
    (problem,) = problems_of(empty_house)
    assert "circle" in problem
    assert all(name in problem for name in ("money.py", "numeric.py", "errors.py"))


def test_one_import_planted_in_the_real_package_is_found(tmp_path: Path) -> None:
    package = tmp_path / "sim"
    shutil.copytree(ROOT / "sim", package, ignore=shutil.ignore_patterns("__pycache__"))
    before = problems_of(package)
    with (package / "market" / "board.py").open("a", encoding="utf-8") as end:
        end.write("\n\ndef late() -> None:\n    from sim.model import ClickWorkModel\n")
    (found, *_) = [problem for problem in problems_of(package) if problem not in before]
    assert "sim/market/board.py" in found
    assert "from floor 2 to floor 4" in found


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("market/board.py", "from sim.agents import rules, traits\nfrom sim.policy.channels import fold"),
        ("model.py", "from . import ledger\nfrom .market.board import Board\nfrom sim import world"),
        ("cli.py", "from sim import figures, study\nfrom sim.composition import compose\nimport sim.model"),
        ("study/result.py", "from sim.composition import compose\nimport simulation, sim_tools, json"),
    ],
)
def test_imports_that_go_down_are_allowed(empty_house: Path, path: str, allowed: str) -> None:
    (empty_house / path).write_text(allowed, encoding="utf-8")
    assert problems_of(empty_house) == []
    assert imports(empty_house)


# Letters in brackets keep these patterns from finding themselves.
UNWANTED = {
    "the host of a registry": re.compile(
        r"p[y]pi\.org|p[y]thonhosted|n[p]mjs\.|deb\.d[e]bian|conda\.a[n]aconda|r[e]gistry\.[a-z]+\.[a-z]",
        re.IGNORECASE,
    ),
    "a path of one machine": re.compile(r"(?<![\w./])/(?:r[o]ot|h[o]me|w[o]rk|U[s]ers)(?:/|\b)"),
    "an option that names a registry": re.compile(
        r"--(?:extra-)?i[n]dex-url|--f[i]nd-links|--default-i[n]dex"
    ),
}
ROOMS_OUTSIDE_GIT = (".ci", "benchmarks", "conf", "docs", "experiments", "scripts", "sim", "tests")


def project_files() -> list[Path]:
    """Return the files of the project: those that Git has or would take, else all in its known folders."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout
        names = [name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = []
    inside = [ROOT / name for name in names] or [
        file
        for room in (".", *ROOMS_OUTSIDE_GIT)
        for file in (ROOT / room).glob("*" if room == "." else "**/*")
    ]
    return [file for file in inside if file.is_file() and "__pycache__" not in file.parts]


def unwanted(text: str) -> list[str]:
    """Return what a text holds that no file of the project may hold."""
    return [f"{what}: {match[0]}" for what, pattern in UNWANTED.items() for match in pattern.finditer(text)]


def test_no_file_names_a_registry_or_a_machine(exercised: Exercised) -> None:
    read, problems = 0, []
    for file in project_files():
        content = file.read_bytes()
        if b"\0" in content:
            continue
        read += 1
        found = unwanted(content.decode("utf-8"))
        problems += [f"{file.relative_to(ROOT).as_posix()} holds {what}" for what in found]
    assert problems[:20] == []
    exercised("texts read", read, at_least=80)


@pytest.mark.parametrize(
    "text",
    [
        "https://{}.org/simple".format("pyp" + "i"),
        "https://files.{}.org/packages".format("python" + "hosted"),
        "https://{}.example.com/simple".format("regis" + "try"),
        "see {}/ann/notes.txt".format("/ho" + "me"),
        "Path('{}')".format("/ro" + "ot"),
        "pip install --{}=x".format("ind" + "ex-url"),
        "pip install --extra-{} x".format("ind" + "ex-url"),
    ],
)
def test_a_planted_name_is_found(text: str) -> None:
    assert len(unwanted(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "at home/work",
        "wages/work",
        "/".join(("a", "root", "b")),
        "https://a.example/home/x",
        "uv --no-emit-index-url",
        "registry",
    ],
)
def test_harmless_names_are_allowed(text: str) -> None:
    assert unwanted(text) == []


# Nothing in the package may run what a file of data says.
RUNS_CODE = (
    "pickle",
    "cloudpickle",
    "joblib.load",
    "allow_pickle=True",
    "yaml.load(",
    "eval(",
    "exec(",
    "instantiate(",
)
RUNS_CODE += ("shell=True",)
ALLOWED = {
    (
        "sim/compile.py",
        "pickle",
    ): "Numba keeps compiled code as pickles; read from the user's own cache, checked first",
}


def runs_code(text: str) -> set[str]:
    """Return the words in a source that can run code from data; a part of a longer word does not count."""
    return {word for word in RUNS_CODE if re.search(rf"(?<!\w){re.escape(word)}(?:(?<=\W)|\b)", text)}


def test_nothing_runs_code_from_data(exercised: Exercised) -> None:
    files = sorted((ROOT / "sim").rglob("*.py"))
    found = {
        (file.relative_to(ROOT).as_posix(), word)
        for file in files
        for word in runs_code(file.read_text(encoding="utf-8"))
    }
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "an exception that nothing needs any more"
    exercised("files", len(files), at_least=40)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("import pickle\n", "pickle"),
        ("from cloudpickle import dumps\n", "cloudpickle"),
        ("joblib.load(file)", "joblib.load"),
        ("np.load(file, allow_pickle=True)", "allow_pickle=True"),
        ("yaml.load(text, Loader=yaml.Loader)", "yaml.load("),
        ("frame.eval('a + b')", "eval("),
        ("exec(source)", "exec("),
        ("hydra.utils.instantiate(node)", "instantiate("),
        ("subprocess.run(line, shell=True)", "shell=True"),
    ],
)
def test_planted_code_from_data_is_found(text: str, word: str) -> None:
    assert runs_code(text) == {word}


def test_words_that_only_look_alike_are_allowed() -> None:
    assert (
        runs_code("ast.literal_eval(text); loader.exec_module(m); yaml.safe_load(text); unpickled") == set()
    )


def test_the_lock_has_hashes_and_no_address(exercised: Exercised) -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not [line for line in text.splitlines() if line.startswith("-")]
    blocks = text.replace("\\\n", " ").splitlines()
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
    exercised("locked packages", len(blocks), at_least=40)


def test_each_needed_package_is_locked(exercised: Exercised) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        needed += extra
    names = {re.split(r"[<>=!~; \[]", need, maxsplit=1)[0] for need in needed}
    locked = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert names - locked == {project["name"]}, "its own extras are named among those of dev"
    exercised("needed packages", len(names), at_least=20)


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
