"""What state-affecting modules may not contain, read from their syntax trees.

Whatever can reach the state of a run must give the same bits on every machine and in any order of visit. So:
no iteration over a set, no `hash()`, no other source of randomness or time, no mathematics but + - * / and
the square root (which the standard defines to the bit), no fast mathematics, no sum of floats in `prange`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sim

ROOT = Path(sim.__file__).resolve().parent
STATE = ("agents", "market", "policy", "world/population.py")
STATE += tuple(f"{name}.py" for name in ("ledger", "draws", "numeric", "money", "model", "columns"))
WHOLE_NUMBERS = ("money.py",)
"""Modules that compute with Python integers only: there `10**n` is exact."""

LEAST_FILES, LEAST_NODES = 12, 15_000

EXACT_MATH = {
    "ceil",
    "copysign",
    "fabs",
    "floor",
    "frexp",
    "gcd",
    "inf",
    "isfinite",
    "isinf",
    "isnan",
    "isqrt",
}
EXACT_MATH |= {"ldexp", "nan", "pi", "sqrt", "trunc"}
"""The part of `math` that is exact or correctly rounded everywhere."""

INEXACT_NUMPY = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "logaddexp2", "power"}
INEXACT_NUMPY |= {
    "float_power",
    "pow",
    "cbrt",
    "hypot",
    "geomspace",
    "logspace",
    "interp",
    "sin",
    "cos",
    "tan",
}
INEXACT_NUMPY |= {
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "asin",
    "acos",
    "atan",
    "atan2",
    "sinh",
    "cosh",
    "tanh",
}
INEXACT_NUMPY |= {
    "arcsinh",
    "arccosh",
    "arctanh",
    "asinh",
    "acosh",
    "atanh",
    "dot",
    "vdot",
    "inner",
    "matmul",
}
INEXACT_NUMPY |= {"tensordot", "einsum", "convolve", "correlate"}
"""Functions of NumPy whose last bits depend on the CPU, or on the library that multiplies matrices."""

FORBIDDEN_MODULES = ("random", "time", "secrets", "uuid", "scipy", "cmath", "statistics")
FORBIDDEN_NUMPY = ("numpy.random", "numpy.linalg", "numpy.fft", "numpy.emath")
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}
ORDERED_USES = {"list", "tuple", "enumerate", "zip", "map", "filter", "iter", "sum", "next", "reversed"}


class Lint(ast.NodeVisitor):
    """Collects faults as (line, sentence)."""

    def __init__(self, whole_numbers: bool = False) -> None:
        self.whole_numbers = whole_numbers
        self.faults: list[tuple[int, str]] = []
        self.names: dict[str, str] = {}
        self.sets: set[str] = set()
        self.nodes = 0

    def check(self, text: str) -> list[tuple[int, str]]:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            self.nodes += 1
            self.remember(node)
        self.visit(tree)
        return sorted(set(self.faults))

    def fault(self, node: ast.AST, sentence: str) -> None:
        self.faults.append((node.lineno, sentence))

    def remember(self, node: ast.AST) -> None:
        """Note what a name stands for: an imported thing, or a set."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Assign) and self.is_set(node.value):
            self.sets.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, (ast.AnnAssign, ast.arg)) and node.annotation is not None:
            target = node.target if isinstance(node, ast.AnnAssign) else ast.Name(node.arg)
            kind = ast.unparse(node.annotation).partition("[")[0].rpartition(".")[2]
            if kind in ("set", "frozenset", "Set", "AbstractSet", "MutableSet") and isinstance(
                target, ast.Name
            ):
                self.sets.add(target.id)

    def dotted(self, node: ast.AST) -> str:
        """The full name behind an expression like `np.random.normal`, or an empty string."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute) and (base := self.dotted(node.value)):
            return f"{base}.{node.attr}"
        return ""

    def is_set(self, node: ast.AST) -> bool:
        if isinstance(node, (ast.Set, ast.SetComp)):
            return True
        if isinstance(node, ast.Name):
            return node.id in self.sets
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                return node.func.id in ("set", "frozenset")
            return isinstance(node.func, ast.Attribute) and node.func.attr in SET_METHODS
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)):
            return self.is_set(node.left) or self.is_set(node.right)
        return False

    def iterate(self, node: ast.expr) -> None:
        if self.is_set(node):
            self.fault(node, "iterates over a set, whose order is not fixed: sort it")

    def visit_For(self, node: ast.For) -> None:
        self.iterate(node.iter)
        if isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func).rpartition(".")[2] == "prange":
            self.parallel(node)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.iterate(node.iter)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        self.iterate(node.value)
        self.generic_visit(node)

    def parallel(self, loop: ast.For) -> None:
        """In a parallel loop a sum in a plain name is a reduction, in an order that is not fixed."""
        own = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
        for node in ast.walk(loop):
            if isinstance(node, ast.Assign):
                own |= {t.id for t in node.targets if isinstance(t, ast.Name) and not reads(node.value, t.id)}
        for node in ast.walk(loop):
            target = node.target if isinstance(node, ast.AugAssign) else None
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                target = node.targets[0] if reads(node.value, node.targets[0].id) else None
            if isinstance(target, ast.Name) and target.id not in own and not is_integer(node.value):
                self.fault(node, f"accumulates {target.id} in prange: add up per thread, then in order")

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "hash" and name not in self.names:
            self.fault(node, "calls hash(), which differs from process to process")
        if name == "pow" and len(node.args) == 2:
            self.fault(node, "calls pow(): use sim.numeric.power")
        if name in ORDERED_USES and any(self.is_set(argument) for argument in node.args):
            self.fault(node, f"{name}() of a set, whose order is not fixed: sort it")
        for keyword in node.keywords:
            if keyword.arg == "fastmath" and not is_false(keyword.value):
                self.fault(node, "asks for fastmath")
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "fastmath" and not is_false(value):
                self.fault(node, "asks for fastmath")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        exact = is_integer(node.left) and (is_integer(node.right) or self.whole_numbers)
        if isinstance(node.op, ast.Pow) and not exact:
            self.fault(node, "uses ** on what may be a float: multiply, or use sim.numeric.power")
        if isinstance(node.op, ast.MatMult):
            self.fault(node, "multiplies matrices, in an order that is the library's")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, (ast.Pow, ast.MatMult)):
            self.fault(node, "uses **= or @=")
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imported(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.imported(node, f"{node.module}.{alias.name}")

    def imported(self, node: ast.AST, name: str) -> None:
        if name.partition(".")[0] in FORBIDDEN_MODULES or within(name, FORBIDDEN_NUMPY):
            self.fault(node, f"imports {name}")
        self.used(node, name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if name := self.dotted(node):
            self.used(node, name)
        self.generic_visit(node)

    def used(self, node: ast.AST, name: str) -> None:
        module, _, last = name.rpartition(".")
        if module == "math" and last not in EXACT_MATH:
            self.fault(node, f"uses math.{last}: use sim.numeric")
        if module == "numpy" and last in INEXACT_NUMPY:
            self.fault(node, f"uses numpy.{last}: use sim.numeric")
        if within(name, FORBIDDEN_NUMPY):
            self.fault(node, f"uses {name}")
        if name in ("datetime.datetime.now", "datetime.datetime.today", "datetime.date.today", "os.urandom"):
            self.fault(node, f"uses {name}")


def within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def reads(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


def is_integer(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def state_files() -> Iterator[Path]:
    for name in STATE:
        path = ROOT / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []


def test_state_affecting_modules():
    files, nodes, faults = 0, 0, []
    for path in state_files():
        lint = Lint(whole_numbers=path.name in WHOLE_NUMBERS)
        faults += [f"{path}:{line}: {text}" for line, text in lint.check(path.read_text(encoding="utf-8"))]
        files, nodes = files + 1, nodes + lint.nodes
    print(f"exercised: {files} files, {nodes} nodes of syntax")
    assert not faults, "\n" + "\n".join(faults)
    assert files >= LEAST_FILES and nodes >= LEAST_NODES


PLANTED = {
    "a set display": "for x in {1, 2}:\n    f(x)",
    "a set call": "for x in set(ids):\n    f(x)",
    "a named set": "seen = set()\nfor x in seen:\n    f(x)",
    "an annotated set": "def g(seen: set[int]):\n    return [x for x in seen]",
    "a union": "seen = {1}\nfor x in seen | other:\n    f(x)",
    "a set method": "for x in a.union(b):\n    f(x)",
    "a set comprehension": "y = [f(x) for x in {g(z) for z in zs}]",
    "a list of a set": "y = list({a, b})",
    "a sum of a frozenset": "y = sum(frozenset(values))",
    "an unpacked set": "y = [*{a, b}]",
    "hash": "y = hash(name)",
    "np.random": "import numpy as np\ny = np.random.default_rng(1)",
    "from numpy": "from numpy import random\ny = random.normal()",
    "from numpy.random": "from numpy.random import normal",
    "import numpy.random": "import numpy.random as r",
    "random": "import random",
    "from random": "from random import choice",
    "time": "import time\ny = time.time()",
    "from time": "from time import monotonic",
    "datetime": "import datetime\ny = datetime.datetime.now()",
    "from datetime": "from datetime import datetime\ny = datetime.now()",
    "fastmath": "import numba\n@numba.njit(fastmath=True)\ndef f(x):\n    return x",
    "some fastmath": "@njit(fastmath={'contract'})\ndef f(x):\n    return x",
    "fastmath in options": "options = {'fastmath': True}",
    "math.log": "import math\ny = math.log(x)",
    "math.exp by name": "from math import exp\ny = exp(x)",
    "math.pow": "import math as m\ny = m.pow(x, 2)",
    "math.sin": "import math\ny = math.sin(x)",
    "a float power": "y = x ** 2",
    "a power of a float": "y = 2.0 ** 3",
    "a negative power": "y = 2 ** -3",
    "a power in place": "x **= 2",
    "pow": "y = pow(x, 2)",
    "np.power": "import numpy as np\ny = np.power(x, 2)",
    "np.exp": "import numpy as np\ny = np.exp(x)",
    "np.log by name": "from numpy import log as logarithm",
    "np.dot": "import numpy as np\ny = np.dot(a, b)",
    "a matrix product": "y = a @ b",
    "scipy.special": "from scipy.special import ndtri",
    "scipy": "import scipy.stats",
    "a sum in prange": "from numba import prange\nfor i in prange(n):\n    total += x[i]",
    "a long sum in prange": "import numba\nfor i in numba.prange(n):\n    total = total + x[i]",
}

HARMLESS = {
    "a sorted set": "for x in sorted({1, 2}):\n    f(x)",
    "membership": "seen = {1}\ny = x in seen",
    "a list": "for x in [1, 2]:\n    f(x)",
    "a method named hash": "y = record.hash(x)",
    "a field named time": "y = state.time.time()",
    "a field named random": "y = np.random_field",
    "exact mathematics": "import math\ny = math.floor(x) + math.sqrt(x) + math.frexp(x)[0] + math.inf",
    "exact NumPy": "import numpy as np\ny = np.sqrt(x) + np.floor(x) + np.cumsum(x)",
    "our own": "from sim.numeric import exp, log, power\ny = exp(log(x)) + power(x, 2.0)",
    "a power of literals": "y = 10**6 + 2**62",
    "no fastmath": "options = {'fastmath': False}\nf = njit(fastmath=False)",
    "a count in prange": "for i in prange(n):\n    count += 1",
    "own cells in prange": "for i in prange(n):\n    out[i] += x[i]\n    y = 2.0 * x[i]\n    y += 1.0",
    "modular power": "y = pow(a, -1, 2**64)",
}


@pytest.mark.parametrize("text", PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found(text):
    assert Lint().check(text)


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_is_harmless_passes(text):
    assert Lint().check(text) == []


def test_powers_of_ten_are_for_money_only():
    assert Lint(whole_numbers=True).check("y = 10**digits") == []
    assert Lint(whole_numbers=True).check("y = x**digits")
    assert Lint().check("y = 10**digits")


def test_a_fault_names_its_line():
    assert [line for line, _ in Lint().check("import math\n\ny = math.log(2)\nz = hash(y)\n")] == [3, 4]
