"""The compiler's cache, variants of a kernel module, and kernels without the compiler."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sim import compile as compiler
from sim.compile import COMPILED, build_variant, cache_folder, kernel, rule, source_hash
from sim.errors import UserError

SIM = Path(compiler.__file__).resolve().parent

RATES = """
from sim.compile import rule

FEE = 0.2


@rule
def accept(pay, floor):
    return pay * (1.0 - FEE) >= floor


@rule
def twice(x):
    return 2 * x
"""

MARKET = """
import numpy as np

from sim.compile import kernel
from sim.toy.rates import FEE
from sim.toy.rates import accept as accepts  # replaceable: accepts
from sim.toy.rates import (
    FEE as SAME_FEE,
    twice,  # replaceable: twice
)

DEBUG = False  # variant


@kernel
def count(rows, floor):
    total = 0
    for i in range(len(rows)):
        row = rows[i]
        if accepts(row.pay, floor):
            total += twice(1)
            row.size += 1
        row.flags = np.uint8(row.flags + 250)
        row.ratio = row.ratio / np.float64(i)
    if DEBUG:
        total += 1000
    return total
"""

PROGRAM = """
import json, sys
import numpy as np
from sim import compile as compiler
from sim.toy import market
cold = compiler.is_cold(market)
modules = [market]
for step in sys.argv[1:]:
    exec(step)
kind = np.dtype([("pay", "f4"), ("size", "i2"), ("flags", "u1"), ("ratio", "f8")], align=True)
answers = []
for module in modules:
    rows = np.zeros(100, kind)
    rows["pay"] = np.arange(100)
    rows["ratio"] = 1.0
    answers.append(int(module.count(rows, 40.0)))
stats = getattr(modules[0].count, "stats", None)
print(json.dumps({
    "answer": answers[0],
    "answers": answers,
    "sizes": int(rows["size"].sum()),
    "flags": int(rows["flags"].sum()),
    "infinite": bool(np.isinf(rows["ratio"][0])),
    "hits": sum(stats.cache_hits.values()) if stats else 0,
    "misses": sum(stats.cache_misses.values()) if stats else 0,
    "cold": cold,
    "folder": str(compiler.cache_folder()),
    "files": [module.__file__ for module in modules],
    "hash": compiler.source_hash(),
}))
"""


class Toy:
    """A model of two small modules, with the project's own compiler, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "model"
        self.cache = folder / "cache"
        self.rates = self.root / "sim" / "toy" / "rates.py"
        self.first: dict = {}

    def write(self) -> None:
        self.rates.parent.mkdir(parents=True)
        (self.root / "sim" / "__init__.py").write_text("", encoding="utf-8")
        for name in ("compile.py", "errors.py"):
            shutil.copy(SIM / name, self.root / "sim" / name)
        (self.rates.parent / "__init__.py").write_text("", encoding="utf-8")
        (self.rates.parent / "market.py").write_text(MARKET, encoding="utf-8")
        self.rates.write_text(RATES, encoding="utf-8")

    def start(self, *steps: str, program: str = PROGRAM, **environment: str) -> subprocess.Popen[str]:
        known = {**os.environ, "PYTHONPATH": str(self.root), "CLICKMARKET_CACHE": str(self.cache)}
        known.update({"NUMBA_DISABLE_JIT": "0", "PYTHONDONTWRITEBYTECODE": "1", **environment})
        command = [sys.executable, "-W", "error", "-c", program, *steps]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.root, env=known, text=True, **pipes)

    def run(self, *steps: str, **environment: str) -> dict:
        return finish(self.start(*steps, **environment))

    def run_plain(self, *steps: str, **environment: str) -> dict:
        return self.run(*steps, NUMBA_DISABLE_JIT="1", **environment)

    def compiled_files(self, word: str = "") -> list[Path]:
        return [path for path in self.cache.rglob("*.nbc") if word in path.name]


def finish(process: subprocess.Popen[str]) -> dict:
    out, error = process.communicate()
    assert process.returncode == 0, error
    return json.loads(out)


@pytest.fixture(scope="module")
def once_run(tmp_path_factory):
    """A toy that has run once."""
    toy = Toy(tmp_path_factory.mktemp("toy"))
    toy.write()
    toy.first = toy.run()
    return toy


@pytest.fixture
def toy(once_run, tmp_path):
    """A copy of a toy that has run once: its compiled files are good wherever the sources are."""
    copy = Toy(tmp_path)
    shutil.copytree(once_run.root, copy.root)
    shutil.copytree(once_run.cache, copy.cache)
    copy.first = once_run.first
    return copy


@pytest.fixture
def cold_toy(tmp_path):
    toy = Toy(tmp_path)
    toy.write()
    return toy


# 100 rows pay 0 to 99; after a fee of 20 % those from 50 on reach 40, after 50 % those from 80 on.
AT_20, AT_50 = 100, 40


# The cache


def test_a_second_process_finds_everything_compiled(toy):
    second = toy.run()
    assert toy.first["answer"] == second["answer"] == AT_20
    assert [toy.first[key] for key in ("cold", "hits", "misses")] == [True, 0, 1]
    assert [second[key] for key in ("cold", "hits", "misses")] == [False, 1, 0]


def test_an_imported_constant_or_rule_is_edited(toy):
    """Numba's own cache would go on with the old fee: the kernel's file is untouched."""
    toy.rates.write_text(RATES.replace("FEE = 0.2", "FEE = 0.5"), encoding="utf-8")
    constant = toy.run()
    toy.rates.write_text(RATES.replace("2 * x", "3 * x"), encoding="utf-8")
    function = toy.run()
    toy.rates.write_text(RATES, encoding="utf-8")
    back = toy.run_plain()
    assert [constant["answer"], function["answer"]] == [AT_50, AT_20 * 3 // 2]
    assert [constant["hits"], function["hits"]] == [0, 0]
    assert len({run["folder"] for run in (toy.first, constant, function)} | {back["folder"]}) == 4
    assert Path(back["folder"]).name == Path(toy.first["folder"]).name


def test_a_source_that_no_kernel_imports_costs_nothing(toy):
    (toy.root / "sim" / "figure.py").write_text("from sim.toy import market\n", encoding="utf-8")
    after = toy.run_plain()
    assert Path(after["folder"]).name == Path(toy.first["folder"]).name
    assert after["hash"] != toy.first["hash"], "the hash of the model covers every source"


def test_code_compiled_from_an_edited_source_is_not_kept(cold_toy):
    """The sources were hashed at the start; the folder's name would be wrong for what came later."""
    edit = f"open({str(cold_toy.rates)!r}, 'a').write('# edited while running')"
    assert cold_toy.run(edit)["answer"] == AT_20
    assert not cold_toy.compiled_files()


def test_two_processes_compile_at_once(cold_toy):
    processes = [cold_toy.start(), cold_toy.start()]
    assert [finish(process)["answer"] for process in processes] == [AT_20, AT_20]
    assert len(cold_toy.compiled_files("count")) == 1


DAMAGE = """
import json, random
from sim import compile as compiler
from sim.toy import rates

choose = random.Random(7)
compiler.rule(rates.twice.py_func)(4)
[file] = compiler.cache_folder().rglob("*.nbc")
whole = file.read_bytes()
wrong = kept = 0
kinds = {"truncated": 0, "flipped": 0}
for number in range(80):
    damaged = bytearray(whole)
    if number % 2:
        damaged = damaged[: choose.randrange(len(whole))]
        kinds["truncated"] += 1
    else:
        damaged[choose.randrange(len(whole))] ^= 1 << choose.randrange(8)
        kinds["flipped"] += 1
    file.write_bytes(damaged)
    again = compiler.rule(rates.twice.py_func)
    wrong += [again(x) for x in (-1, 0, 21)] != [-2, 0, 42]
    kept += sum(again.stats.cache_hits.values())
healed = compiler.rule(rates.twice.py_func)
healed(1)
print(json.dumps({"wrong": wrong, "kept": kept, "healed": sum(healed.stats.cache_hits.values()), **kinds}))
"""


UNSEEN = """
from sim import compile as compiler
def load(self, key):
    content = self._path(key).read_bytes()
    try:
        found, data = compiler.pickle.loads(content[32:])
    except Exception:
        return None
    return data if found == key else None
compiler._CheckedFile.load = load
"""


def test_damaged_files_that_are_taken_are_noticed(cold_toy):
    """Without a look at the checksum, flipped bits of machine code are kept, or the process dies of them."""
    process = cold_toy.start(program=UNSEEN + DAMAGE)
    out, _ = process.communicate()
    assert process.returncode != 0 or json.loads(out.splitlines()[-1])["kept"] > 0


def test_damaged_files_are_compiled_again(cold_toy):
    done = finish(cold_toy.start(program=DAMAGE))
    print(f"exercised: {done['truncated']} truncations and {done['flipped']} flipped bits of compiled files")
    assert (done["truncated"], done["flipped"]) == (40, 40)
    assert (done["wrong"], done["kept"]) == (0, 0)
    assert done["healed"] == 1, "and what was compiled again is kept"


SPOIL = """
[file] = [path for path in compiler.cache_folder().rglob("*.nbc") if "count" in path.name]
key, data = compiler.pickle.loads(file.read_bytes()[32:])
bad = compiler.pickle.dumps((key, ("of", "another", "make")))
file.write_bytes(compiler.hashlib.sha256(bad).digest() + bad)
"""


def test_a_file_of_another_make_is_compiled_again(toy):
    """A whole file, checksum and all, that holds something else."""
    [file] = toy.compiled_files("count")
    size = file.stat().st_size
    done = toy.run(SPOIL)
    assert (done["answer"], done["hits"], done["misses"]) == (AT_20, 0, 1)
    assert file.stat().st_size > size // 2, "and kept"


def test_a_folder_lost_while_running_does_no_harm(toy):
    lose = "import shutil; folder = compiler.cache_folder(); shutil.rmtree(folder); folder.write_text('')"
    assert toy.run(lose)["answer"] == AT_20


@pytest.fixture
def no_cache(tmp_path):
    """Settings under which only the folder for temporary files can be written."""
    (tmp_path / "a file").write_text("", encoding="utf-8")
    (tmp_path / "temporary").mkdir()
    return {"CLICKMARKET_CACHE": str(tmp_path / "a file" / "below"), "TMPDIR": str(tmp_path / "temporary")}


def test_a_folder_that_cannot_be_written_is_replaced(toy, no_cache):
    runs = [toy.run_plain(**no_cache) for _ in range(2)]
    assert [run["answer"] for run in runs] == [AT_20, AT_20]
    assert Path(runs[0]["folder"]).is_relative_to(no_cache["TMPDIR"])
    assert runs[0]["folder"] == runs[1]["folder"], "it is the user's own and found again"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
def test_a_temporary_folder_open_to_others_is_not_trusted(toy, no_cache):
    """Compiled files are run: nobody else may be able to put one there."""
    planted = Path(no_cache["TMPDIR"]) / f"clickmarket-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    assert not Path(toy.run_plain(**no_cache)["folder"]).is_relative_to(planted)


def test_the_folder_is_in_the_users_cache(toy, tmp_path):
    run = toy.run_plain(CLICKMARKET_CACHE="", XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert Path(run["folder"]).parent == tmp_path / "xdg" / "clickmarket"
    run = toy.run_plain(CLICKMARKET_CACHE="", XDG_CACHE_HOME="", HOME=str(tmp_path / "home"))
    assert Path(run["folder"]).parent == tmp_path / "home" / ".cache" / "clickmarket"


def test_old_builds_are_let_go(tmp_path):
    for number in range(20):
        folder = tmp_path / f"{number:024x}"
        folder.mkdir()
        os.utime(folder, (number, number))
    (tmp_path / "something else").mkdir()
    used = tmp_path / f"{0:024x}"
    compiler._prune(tmp_path, used)
    left = {path.name for path in tmp_path.iterdir()}
    newest = {f"{number:024x}" for number in range(20 - compiler.FOLDERS_KEPT + 1, 20)}
    assert left == newest | {used.name, "something else"}


def test_hashed_sources_are_all_that_kernels_import():
    """The imports are read by a pattern; here they are followed by Python itself."""
    program = (
        "import importlib, json, sys; from sim import compile as c\n"
        "for name in c._BEHIND_COMPILED: importlib.import_module(name)\n"
        "loaded = [m for m in sys.modules if m.split('.')[0] == 'sim']\n"
        "print(json.dumps([loaded, list(c._BEHIND_COMPILED), list(c._SOURCES)]))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=SIM.parent, capture_output=True, text=True, check=True)
    loaded, behind, sources = map(set, json.loads(done.stdout))
    assert {name for name in loaded if name in sources} <= behind
    assert {"sim.draws", "sim.numeric", "sim.compile", "sim.errors", "sim"} <= behind <= sources
    decorated = {name for name, text in compiler._SOURCES.items() if b"@rule" in text or b"@kernel" in text}
    assert decorated <= behind
    assert not {"sim.study.sweep", "sim.figures.gallery", "sim.cli"} & behind, (
        "editing these costs a compilation"
    )
    print(f"exercised: {len(behind)} of {len(sources)} sources lie behind compiled code")


def test_the_hash_of_the_model():
    assert len(source_hash()) == 64 and set(source_hash()) <= set("0123456789abcdef")
    assert source_hash() == compiler._hash_of(compiler._SOURCES)
    shifted = (
        {"a": b"xy", "b": b"z"},
        {"a": b"x", "b": b"yz"},
        {"ax": b"y", "b": b"z"},
        {"a": b"xyb", "": b"z"},
    )
    assert len({compiler._hash_of(sources) for sources in shifted}) == len(shifted)


# The decorators


def outside(x, y):
    return x + y


@pytest.mark.skipif(not COMPILED, reason="asks the compiler")
def test_options_of_the_compiler():
    for made in (rule(outside), kernel(outside)):
        assert made(2, 3) == 5
        options = made.targetoptions
        assert options["nogil"] and options["error_model"] == "numpy" and not options["fastmath"]
        assert not made.stats.cache_path, "a function from elsewhere is not kept: no hash vouches for it"


def test_without_the_compiler_a_kernel_gives_the_same(toy):
    """Among others a field named like one of NumPy's attributes, a wrapped byte and a division by zero."""
    compiled, plain = toy.first, toy.run_plain()
    same = ("answer", "sizes", "flags", "infinite", "hash")
    assert [compiled[key] for key in same] == [plain[key] for key in same]
    assert compiled["infinite"] and compiled["sizes"] == 50 and compiled["flags"] == 250 * 100


def test_a_rule_without_the_compiler_is_the_function_itself(monkeypatch):
    monkeypatch.setattr(compiler, "COMPILED", False)
    assert rule(outside) is outside
    assert kernel(outside).py_func is outside
    assert kernel(outside).__name__ == "outside"
    assert kernel(outside)(2, y=3) == 5


def test_rows_share_memory_and_widen_numbers(monkeypatch):
    monkeypatch.setattr(compiler, "COMPILED", False)
    kind = np.dtype([("size", "i1"), ("max", "f4"), ("key", "u8"), ("parts", "i2", (2,))], align=True)
    rows = np.zeros(3, kind)
    rows["key"] = 2**64 - 1

    @kernel
    def change(rows, row):
        one = rows[1]
        one.size = 100
        one.max = 0.1
        one.parts[1] = 7
        row.size = one.size + one.size - 100
        return one.size * 100, one.max, one.key, type(one.size), type(one.max)

    product, tenth, key, *types = change(rows, rows[2])
    assert product == 10_000 and types == [np.int64, np.float64]
    assert tenth == np.float64(np.float32(0.1)) and key == 2**64 - 1
    assert rows["size"].tolist() == [0, 100, 100]
    assert rows["parts"].tolist() == [[0, 0], [0, 7], [0, 0]]
    assert type(rows[1]) is np.void, "the caller's array is untouched"


# Variants


PLUGIN = '''
"""A rule of one's own."""

import math

TOP = 90.0


def half(x):
    return x / 2.0


def picky(pay, floor):
    """Accept what is half of enough, up to a top."""
    return half(floor) <= pay < math.floor(TOP)


def thrice(x):
    return 3 * x
'''


def variant(plugin: Path, *, thrice: bool = False, debug: bool = False) -> str:
    """Return a step of the program that adds a variant."""
    rules = {"accepts": ("picky", str(plugin))}
    if thrice:
        rules["twice"] = ("thrice", str(plugin))
    return f"modules.append(compiler.build_variant('sim.toy.market', {rules!r}, {{'DEBUG': {debug!r}}}))"


ONLY_VARIANTS = "modules.clear()"


@pytest.fixture
def plugin(tmp_path):
    path = tmp_path / "picky rule.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def test_a_variant_uses_the_plugin_and_is_found_compiled(toy, plugin):
    steps = ONLY_VARIANTS, variant(plugin)
    first = toy.run(*steps)
    written = {path: path.stat().st_mtime_ns for path in toy.cache.rglob("variants/**/*.py")}
    second = toy.run(*steps)
    assert first["answer"] == second["answer"] == 2 * 70, "pays from 20 to 89"
    assert (first["hits"], first["misses"]) == (0, 1)
    assert (second["hits"], second["misses"]) == (1, 0)
    assert len(written) == 3
    assert {path: path.stat().st_mtime_ns for path in written} == written, "not written again"


def test_variants_of_other_rules_and_constants_are_others(toy, plugin):
    edited = plugin.with_name("edited.py")
    edited.write_text(PLUGIN.replace("TOP = 90.0", "TOP = 80.0"), encoding="utf-8")
    same = plugin.with_name("same.py")
    same.write_text(PLUGIN, encoding="utf-8")
    steps = [variant(plugin), variant(plugin, thrice=True), variant(plugin, debug=True), variant(edited)]
    run = toy.run_plain(*steps, variant(same))
    assert run["answers"] == [AT_20, 140, 210, 1140, 120, 140]
    assert len(set(run["files"])) == 5 and run["files"][1] == run["files"][5], "what counts is the text"


def test_a_variant_keeps_every_line_in_its_place():
    text = compiler._with_constants(MARKET, {"DEBUG": True}, "toy")
    text = compiler._with_imports(text, {"accepts": "plugged", "twice": "plugged"}, "toy")
    before, after = MARKET.splitlines(), text.splitlines()
    assert len(before) == len(after)
    changed = {number: line for number, line in enumerate(after) if line != before[number]}
    assert [line for line in changed.values() if line] == [
        "from plugged import accepts",
        "from sim.toy.rates import FEE as SAME_FEE; from plugged import twice",
        "DEBUG = True  # variant",
    ]
    assert before[before.index("@kernel") :] == after[after.index("@kernel") :]


def test_two_names_of_one_import_can_both_be_replaced():
    text = "from a import (\n    b as c,  # replaceable: c\n    d,  # replaceable: d\n)\nx = 1\n"
    made = compiler._with_imports(text, {"c": "p", "d": "q"}, "toy")
    assert made == "from p import c; from q import d\n\n\n\nx = 1\n"
    sorted_by_tool = "from a import b as c, d  # replaceable: c, d\n"
    assert (
        compiler._with_imports(sorted_by_tool, {"d": "q"}, "toy") == "from a import b as c; from q import d\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("def picky(:\n", "is not a Python file"),
        ("def other(a, b):\n    return a\n", "has no function for accepts"),
        ("import os\n\n\ndef picky(a, b):\n    return a\n", "imports what a rule may not"),
        ("from . import x\n\n\ndef picky(a, b):\n    return a\n", "imports what a rule may not"),
        (
            "import math\n\nX = math.nothing\n\n\ndef picky(a, b):\n    return a\n",
            "fails when it is imported",
        ),
    ],
    ids=["missing", "syntax", "no function", "import", "relative import", "failing"],
)
def test_a_plugin_that_cannot_be_used_is_refused(tmp_path, monkeypatch, text, message):
    monkeypatch.setitem(compiler._SOURCES, "sim.toy.market", MARKET.encode())
    path = tmp_path / "plugin.py"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    before = set(sys.modules)
    with pytest.raises(UserError, match=message) as caught:
        build_variant("sim.toy.market", {"accepts": ("picky", path)})
    assert str(path) in str(caught.value)
    assert not [name for name in set(sys.modules) - before if name.startswith("clickmarket_")]


def test_what_a_module_does_not_offer_is_refused(plugin, monkeypatch):
    monkeypatch.setitem(compiler._SOURCES, "sim.toy.market", MARKET.encode())
    with pytest.raises(ValueError, match="no import marked"):
        build_variant("sim.toy.market", {"FEE": ("picky", plugin)})
    with pytest.raises(ValueError, match="0 lines 'FLOOR"):
        build_variant("sim.toy.market", constants={"FLOOR": 1})
    with pytest.raises(TypeError, match="DEBUG"):
        build_variant("sim.toy.market", constants={"DEBUG": [1]})
    with pytest.raises(ValueError, match="no module"):
        build_variant("sim.toy.nowhere")


def test_a_file_with_the_wanted_text_is_left_alone(tmp_path):
    path = tmp_path / "folder" / "module.py"
    compiler._write_once(path, "a = 1\n")
    os.utime(path, (1, 1))
    compiler._write_once(path, "a = 1\n")
    assert path.stat().st_mtime == 1
    compiler._write_once(path, "a = 2\n")
    assert path.read_text(encoding="utf-8") == "a = 2\n"
    assert [p.name for p in path.parent.iterdir()] == ["module.py"]


def test_this_build_has_a_folder():
    assert cache_folder().is_dir()
    assert len(cache_folder().name) == 24
