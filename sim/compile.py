"""The compiler: where its files are kept, and the two decorators of the model's code.

`rule` is for a small function of numbers, `kernel` for a function with loops over records. Both are compiled
by Numba; with `NUMBA_DISABLE_JIT=1` both leave the function as it is written, and the same source is the slow
reference that must give the same bits.

Compiled code is kept in a folder named by a hash of every source that it can depend on, the versions of
Python, NumPy, Numba and llvmlite, and the CPU. Numba alone looks only at the file that holds the function,
and would go on using an old fee after an imported constant was edited. Every file carries a checksum, so that
a damaged one is compiled again and never run. Functions from elsewhere than the model or this folder are not
kept.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import pickle
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, ClassVar, TypeVar

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir

from sim.errors import UserError, nearest_or_first

# Numba says little about its types; these are used as they come.
_CONFIG: Any = numba.config
_CACHING: Any = importlib.import_module("numba.core.caching")
_CGUTILS: Any = importlib.import_module("numba.core.cgutils")
_EXTENDING: Any = importlib.import_module("numba.extending")

# How kernels turn a field of a record into the number that rules take; for a reader of types, int and float.
integer: Callable[[Any], int] = np.int64  # type: ignore[assignment]
real: Callable[[Any], float] = np.float64

COMPILED = not _CONFIG.DISABLE_JIT

# A place in an array that cannot be negative: without a sign, compiled code need not ask whether to count
# from the end. For hot loops only.
index: Callable[[Any], int] = np.uint64 if COMPILED else int  # type: ignore[assignment]
GENERATOR = os.environ.get("CLICKMARKET_GENERATOR", "mix")
"""Generator of draws, a setting of the build like the sources: `mix` or `philox`."""

FOLDERS_KEPT = 12

# Without Numba's runtime ("_nrt") compiled code can make no array and counts no references to those it is
# handed. A count is a locked instruction: those for arrays handed on to rules took a quarter of the search.
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "inline": "never",
    "_nrt": False,
    "no_cfunc_wrapper": True,
}

LISTENERS: list[Callable[[Callable[..., Any], tuple[Any, ...]], None]] = []
"""Who is told of each call of a kernel, with its arguments, where the compiler is off."""

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = Path(__file__).resolve().parent
_DECORATED = re.compile(rb"^[ \t]*@(?:\w+\.)?(?:rule|kernel)\b", re.MULTILINE)
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(sim[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+(sim[\w.]*))",
    re.MULTILINE,
)
_WAITING = re.compile(rb"^[ \t]+(?:from|import)[ \t].*$", re.MULTILINE)
"""Imports of `sim/__init__.py` for those who ask it for a name, or for types: they reach no compiled code."""


def _sources() -> dict[str, bytes]:
    """Return every source of the model by the name of its module, in order."""
    files = sorted(_PACKAGE.rglob("*.py"))
    names = (path.relative_to(_PACKAGE.parent).with_suffix("").parts for path in files)
    contents = {
        ".".join(name).removesuffix(".__init__"): path.read_bytes()
        for name, path in zip(names, files, strict=True)
    }
    return dict(sorted(contents.items()))


def _hash_of(sources: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(f"generator {GENERATOR}\n".encode())
    for name, content in sources.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _behind_compiled(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the sources that hold rules and kernels, and all that those import, directly or not.

    Nothing else can reach compiled code, so that a new figure does not cost a new compilation.
    """
    waiting = [name for name, content in sources.items() if _DECORATED.search(content)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in sources and name not in found:
            found.add(name)
            waiting.append(name.rpartition(".")[0])
            content = sources[name]
            waiting.extend(_imports_of(_WAITING.sub(b"", content) if name == _PACKAGE.name else content))
    return {name: content for name, content in sources.items() if name in found}


def _imports_of(content: bytes) -> Iterator[str]:
    """Yield the modules of the model that a source may import (and names that are no modules)."""
    for package, names, module in _IMPORT.findall(content):
        yield (package or module).decode()
        for name in re.findall(rb"\w+", names):
            yield f"{package.decode()}.{name.decode()}"


_SOURCES = _sources()
_SOURCE_HASH = _hash_of(_SOURCES)
_BEHIND_COMPILED = _behind_compiled(_SOURCES)


def _file_of(module: str) -> Path:
    """Return the file of a module of the model."""
    path = _PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_as_at_the_start() -> bool:
    """Say whether the sources behind compiled code are still those after which the folder is named."""
    try:
        return all(_file_of(name).read_bytes() == content for name, content in _BEHIND_COMPILED.items())
    except OSError:
        return False


def source_hash() -> str:
    """Return the hash of the model: every source under `sim/` as it was at the start, and the generator."""
    return _SOURCE_HASH


def _build_name() -> str:
    """Name the folder of one build: sources, versions, CPU, and settings of Numba that change the code."""
    parts = (
        _hash_of(_BEHIND_COMPILED),
        sys.implementation.cache_tag,
        platform.python_version(),
        np.__version__,
        numba.__version__,
        llvmlite.__version__,
        _CONFIG.CPU_NAME or llvmlite.binding.get_host_cpu_name(),
        _CONFIG.CPU_FEATURES,
        _CONFIG.OPT,
        _CONFIG.BOUNDSCHECK,
        _CONFIG.DEBUGINFO_DEFAULT,
    )
    return hashlib.sha256(repr(tuple(map(str, parts))).encode()).hexdigest()[:24]


def _bases() -> Iterator[Path]:
    """Yield the places for the compiler's folder, the preferred one first."""
    if chosen := os.environ.get("CLICKMARKET_CACHE"):
        yield Path(chosen).expanduser().absolute()
        return
    if cache_home := os.environ.get("XDG_CACHE_HOME"):
        yield Path(cache_home).expanduser().absolute() / "clickmarket"
        return
    with contextlib.suppress(RuntimeError):
        yield Path.home() / ".cache" / "clickmarket"


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _is_ours(folder: Path) -> bool:
    """Say whether nobody else can have put files there: compiled files are run, so this matters in /tmp."""
    if not hasattr(os, "getuid"):
        return True
    state = folder.lstat()
    return state.st_uid == os.getuid() and not state.st_mode & 0o022 and not folder.is_symlink()


def _temporary_base() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"clickmarket-{user}"
    if _is_writable(folder) and _is_ours(folder):
        return folder
    return Path(tempfile.mkdtemp(prefix="clickmarket-"))


def _make_folder() -> Path:
    """Make the folder of this build and let go of the builds not used for longest."""
    name = _build_name()
    for base in _bases():
        if _is_writable(base / name):
            break
    else:
        base = _temporary_base()
        (base / name).mkdir(mode=0o700, exist_ok=True)
    folder = base / name
    os.utime(folder)
    _prune(base, folder)
    return folder


def _prune(base: Path, used: Path) -> None:
    """Keep the newest builds. Another process that loses its files here compiles again and goes on."""
    with contextlib.suppress(OSError):
        builds = [
            path for path in base.iterdir() if re.fullmatch(r"[0-9a-f]{24}", path.name) and path != used
        ]
        builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for old in builds[FOLDERS_KEPT - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


_FOLDER = _make_folder().resolve()
_CONFIG.CACHE_DIR = str(_FOLDER)


def cache_folder() -> Path:
    """Return the folder that holds the compiled code of exactly this build."""
    return _FOLDER


def is_cold(*modules: ModuleType) -> bool:
    """Say whether one of these modules has never been compiled, so that a first run will take longer.

    Without modules: whether nothing at all has been compiled.
    """
    places = [_place(str(module.__file__)) for module in modules] or [_FOLDER]
    return COMPILED and any(next(place.rglob("*.nbc"), None) is None for place in places)


@functools.cache
def _resolved(file: str) -> Path:
    return Path(file).resolve()


@functools.cache
def _place(file: str) -> Path:
    """Return the folder for the compiled functions of one source of the model or of a variant."""
    path = _resolved(file)
    root = _PACKAGE.parent if path.is_relative_to(_PACKAGE) else _FOLDER
    return _FOLDER / "compiled" / path.relative_to(root).with_suffix("")


class _Place:
    """Where Numba finds the files of one function: by module, in the folder of this build."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._folder = _place(file)
        self._line = function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> _Place:
        return cls(function, file)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_disambiguator(self) -> str:
        return str(self._line)

    def get_source_stamp(self) -> str:
        return _FOLDER.name

    def ensure_cache_path(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)


class _CheckedImpl(_CACHING.CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes: ClassVar[list[Any]] = [_Place]


class _CheckedFile(_CACHING.IndexDataCacheFile):  # type: ignore[misc]
    """One file per compiled function and signature: a checksum, the signature and the code.

    Numba's own pair of an index and numbered files lets two processes that compile at the same time give one
    number to two signatures; a name made from the signature cannot be mistaken.
    """

    def load(self, key: Any) -> Any:
        """Return what was kept under `key`, or None; a damaged file is removed."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() == digest:
            found, data = pickle.loads(payload)
            if found == key:
                return data
        self.remove(key)
        return None

    def save(self, key: Any, data: Any) -> None:
        """Keep `data` under `key`, unless an edited source has made the folder's name a lie."""
        if _is_as_at_the_start():
            payload = self._dump((key, data))
            with self._open_for_write(str(self._path(key))) as file:
                file.write(hashlib.sha256(payload).digest() + payload)

    def remove(self, key: Any) -> None:
        """Forget what was kept under `key`."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:24]
        return Path(self._cache_path) / f"{self._index_name.removesuffix('.nbi')}.{name}.nbc"


class _CheckedCache(_CACHING.FunctionCache):  # type: ignore[misc]
    """Numba's cache of one function, on checked files; whatever cannot be loaded is compiled again."""

    _impl_class = _CheckedImpl

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _CheckedFile(self._cache_path, self._impl.filename_base, _FOLDER.name)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code for a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - unpickling a file of another make can raise anything
            self._cache_file.remove(self._index_key(sig, target_context.codegen()))
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled code. A full or read-only disk only costs compiling again next time."""
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


def _is_kept(function: Callable[..., Any]) -> bool:
    """Say whether the folder's name vouches for everything this function's code depends on."""
    path = _resolved(inspect.getfile(function))
    of_model = path.is_relative_to(_PACKAGE) and function.__module__ in _BEHIND_COMPILED
    return of_model or path.is_relative_to(_FOLDER)


def _compiled(function: F, **more: Any) -> F:
    dispatcher = numba.njit(**OPTIONS, **more)(function)
    if _is_kept(function):
        dispatcher._cache = _CheckedCache(function)
    return dispatcher  # type: ignore[no-any-return]


def rule(function: F) -> F:
    """Compile a small function of numbers; leave it as it is when the compiler is off."""
    return _compiled(function, forceinline=True) if COMPILED else function


def kernel(function: F) -> F:
    """Compile a function with loops over records.

    When the compiler is off, arrays of records are handed over so that `row = workers[i]; row.field` means
    the same, and NumPy's warnings on overflow and division, which compiled code never gives, are silent.
    """
    if COMPILED:
        return _compiled(function)

    @functools.wraps(function)
    def plain(*args: Any, **named: Any) -> Any:
        for listen in LISTENERS:
            listen(function, args)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return function(
                *map(_with_rows, args), **{name: _with_rows(value) for name, value in named.items()}
            )

    plain.py_func = function  # type: ignore[attr-defined]
    return plain  # type: ignore[return-value]


def entry_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what calls a kernel without looking at the types of what it is handed, if it has but one choice.

    Numba looks at each argument of each call; at records it takes longer than a short kernel to play.
    """
    choices = getattr(function, "overloads", None)
    return next(iter(choices.values())).entry_point if choices and len(choices) == 1 else function


class Calls(dict[Callable[..., Any], Callable[..., Any]]):
    """How the kernels of one model are called: ``calls[kernel](...)``, with arguments in their order.

    A kernel is called as it is, with its types looked at, until ``trust`` is called: then by its entry, if it
    was compiled for one choice of types only, so that those it was handed until then must be these.
    """

    def __init__(self) -> None:
        super().__init__()
        self.met: set[Callable[..., Any]] = set()

    def __missing__(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Return the kernel itself."""
        self.met.add(kernel)
        return kernel

    def trust(self) -> None:
        """Call the kernels met so far by their entries from now on."""
        self.update({kernel: entry_of(kernel) for kernel in self.met})
        self.met.clear()


def _lines_of(size: int, line: int = 64) -> list[int]:
    """Return a byte of an item in each cache line that it can touch, wherever it begins."""
    return sorted({*range(0, size, line), size - 1})


def _prefetching(context: Any, array: Any, at: Any) -> tuple[Any, Callable[..., Any]]:
    """Return signature and code of the processor's instruction, one for each cache line of an item."""

    def emit(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, number = signature.args
        items = target.make_array(kind)(target, builder, arguments[0])
        place = target.cast(builder, arguments[1], number, numba.types.intp)
        item = _CGUTILS.get_item_pointer(target, builder, kind, items, [place])
        word, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        form = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], form)
        for offset in _lines_of(target.get_abi_sizeof(target.get_data_type(kind.dtype))):
            line = builder.gep(builder.bitcast(item, byte), [ir.IntType(64)(offset)])
            builder.call(prefetch, [line, word(0), word(3), word(1)])  # to read, into all caches, data
        return target.get_dummy_value()

    return numba.types.void(array, at), emit


def _no_fetch(array: Any, at: int) -> None:
    """Do nothing: without the compiler no memory is slow enough to matter."""


fetch: Callable[[Any, int], None] = _EXTENDING.intrinsic(_prefetching) if COMPILED else _no_fetch
"""Let the processor bring an item of an array near while it goes on; no number depends on it.

For a loop over records in no order, some turns ahead: each would else wait for memory.
"""


class Row(np.record):  # type: ignore[misc]
    """A record whose fields are attributes, for kernels without the compiler.

    NumPy's own record puts its attributes first, so that a field named `size` or `flags` could not be read.
    Small numbers are widened, as they are when compiled code computes with them.
    """

    def __getattribute__(self, name: str) -> Any:
        """Return a field, or what NumPy means by the name."""
        field = np.void.__getattribute__(self, "dtype").fields.get(name)
        if field is None:
            return np.void.__getattribute__(self, name)
        value = np.void.getfield(self, *field[:2])
        kind, size = field[0].kind, field[0].itemsize
        if kind in "iu" and size < 8:
            return np.int64(value)
        return np.float64(value) if kind == "f" and size < 8 else value


def _with_rows(value: Any) -> Any:
    """Return records as `Row`, in the same memory; anything else as it is."""
    if isinstance(value, (np.ndarray, np.void)) and value.dtype.names and value.dtype.type is not Row:
        return value.view(np.dtype((Row, value.dtype)))
    return value


_MARK = re.compile(r"# replaceable: ([\w, ]*\w)")

Replacements = Mapping[str, tuple[str, "Path | str"]]


def build_variant(
    module_name: str, replacements: Replacements | None = None, constants: Mapping[str, object] | None = None
) -> ModuleType:
    """Return a copy of a kernel module with some of its rules and constants replaced.

    Compiled code reaches a rule as a global of its module; a rule handed over as an argument would be
    compiled again in every process. So the copy is written into the compiler's folder, under the hash of all
    that goes into it, and imported from there: the next process finds it compiled.

    Parameters
    ----------
    module_name
        A module of the model, such as `sim.market.search`.
    replacements
        Name in that module -> (function, file). The module marks what may be replaced, on the line of its
        import: `from sim.agents.rules import satisficing as accepts  # replaceable: accepts`. The file is an
        ordinary Python file; its functions are made rules. It may import the model, `math` and `numpy`.
    constants
        Name -> value (a bool, int, float or str) for lines marked `DEBUG = False  # variant`.
    """
    rules = {name: (function, Path(path)) for name, (function, path) in sorted((replacements or {}).items())}
    constants = constants or {}
    if module_name not in _SOURCES:
        raise ValueError(f"the model has no module {module_name}")
    source = _SOURCES[module_name].decode("utf-8")
    plugins = {path: _read_plugin(path) for _, path in rules.values()}
    for name, (function, path) in rules.items():
        _check_function(name, function, path, plugins[path])
    stem = f"clickmarket_{_variant_hash(module_name, rules, constants, plugins)}"
    names = {path: f"{stem}_plugin_{number}" for number, path in enumerate(plugins)}
    text = _with_constants(source, constants, module_name)
    text = _with_imports(text, dict.fromkeys(rules, f"{stem}_rules"), module_name)
    folder = _FOLDER / "variants" / stem
    for path, name in names.items():
        _load_plugin(path, name, folder, plugins[path])
    _load(f"{stem}_rules", folder, _shim(rules, names))
    return _load(f"{stem}_{module_name.rpartition('.')[2]}", folder, text, variant_of=module_name)


def _read_plugin(path: Path) -> str:
    """Return the text of a user's file, after checking that it can be read, is Python and stands alone."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except OSError as error:
        raise UserError("cannot be read.", path=str(path), value=error.strerror) from error
    except (SyntaxError, ValueError) as error:
        raise UserError("is not a Python file.", path=str(path), value=str(error)) from error
    for node in ast.walk(tree):
        for imported in _imported(node):
            if imported.partition(".")[0] not in ("sim", "math", "numpy", "__future__", "typing"):
                raise UserError(
                    "imports what a rule may not.",
                    path=str(path),
                    value=imported,
                    allowed="sim, math, numpy, typing",
                )
    return text


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    return []


def _check_function(name: str, function: str, path: Path, text: str) -> None:
    found = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    if function not in found:
        raise UserError(
            f"has no function for {name}.",
            path=str(path),
            value=function,
            allowed=", ".join(found) or "none there",
            nearest=nearest_or_first(function, found),
        )


def _variant_hash(
    module_name: str,
    replacements: Mapping[str, tuple[str, Path]],
    constants: Mapping[str, object],
    plugins: Mapping[Path, str],
) -> str:
    rules = [(name, function, plugins[path]) for name, (function, path) in replacements.items()]
    behind = source_hash() if plugins else _FOLDER.name  # A plugin may import any part of the model.
    parts = (behind, module_name, rules, sorted(constants.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _with_constants(text: str, constants: Mapping[str, object], module_name: str) -> str:
    """Replace the values on the lines marked `# variant`."""
    for name, value in constants.items():
        if not isinstance(value, (bool, int, float, str)):
            raise TypeError(f"constant {name} is {value!r}: give a bool, int, float or str")
        line = re.compile(
            rf"^({re.escape(name)}(?:\s*:[^=\n]+)?\s*=\s*)[^\n]*?(\s*# variant\b[^\n]*)$", re.MULTILINE
        )
        text, count = line.subn(lambda match, value=value: f"{match[1]}{value!r}{match[2]}", text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{module_name} has {count} lines '{name} = ...  # variant', not one")
    return text


def _with_imports(text: str, sources: Mapping[str, str], module_name: str) -> str:
    """Take each marked name from another module; every line keeps its number."""
    lines = text.splitlines()
    replaced: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom):
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            marks = _MARK.findall("\n".join(lines[first:last]))
            marked = set(re.findall(r"\w+", " ".join(marks))) & set(sources)
            names = [alias.asname or alias.name for alias in node.names]
            if taken := [name for name in names if name in marked]:
                kept = [
                    ast.unparse(a) for a, name in zip(node.names, names, strict=True) if name not in taken
                ]
                parts = [f"from {node.module} import {', '.join(kept)}"] if kept else []
                parts += [f"from {sources[name]} import {name}" for name in taken]
                lines[first:last] = ["; ".join(parts), *[""] * (last - first - 1)]
                replaced.update(taken)
    if missing := [name for name in sources if name not in replaced]:
        raise ValueError(f"{module_name} has no import marked '# replaceable: {missing[0]}'")
    return "\n".join(lines) + "\n"


def _shim(replacements: Mapping[str, tuple[str, Path]], names: Mapping[Path, str]) -> str:
    """Write the module that hands the user's functions, made rules, to the kernel as globals."""
    modules = sorted(names.values())
    lines = ["from sim.compile import make_rules"]
    lines += [f"import {name}" for name in modules]
    lines += [f"make_rules({name})" for name in modules]
    lines += [f"{name} = {names[path]}.{function}" for name, (function, path) in replacements.items()]
    return "\n".join(lines) + "\n"


def make_rules(module: ModuleType) -> None:
    """Make every plain function of a module a rule, so that they can call each other."""
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            setattr(module, name, rule(value))


def _load(name: str, folder: Path, text: str, variant_of: str | None = None) -> ModuleType:
    """Write a module, unless it is there, and import it under a name that every process gives it."""
    if name in sys.modules:
        return sys.modules[name]
    path = folder / f"{name}.py"
    _write_once(path, text)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    if variant_of is not None:
        vars(module)["__variant_of__"] = variant_of
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_plugin(path: Path, name: str, folder: Path, text: str) -> None:
    try:
        _load(name, folder, text)
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise UserError("fails when it is imported.", path=str(path), value=found) from error


def _write_once(path: Path, text: str) -> None:
    """Write a file in one stroke. One that is already as wanted is left alone: its time counts."""
    content = text.encode("utf-8")
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
