"""Tab completion: what a shell may offer for a word of `clickmarket`, and the scripts that make shells ask.

The scripts hand the words typed so far to `clickmarket completion words -- WORD ... CURRENT`, which prints
one candidate a line. So a group, a parameter or a policy is offered as soon as it is declared.

"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sim.errors import one_of

BASH = r"""# bash: eval "$(clickmarket completion bash)", in ~/.bashrc to keep it
_clickmarket() {
    local line="${COMP_LINE:0:COMP_POINT}" current prefix words candidate
    read -ra words <<< "$line"
    [[ $line == *" " ]] && words+=("")
    current="${words[${#words[@]}-1]}"
    prefix="${current%"${current##*[=:]}"}"
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ $candidate == *[=/+] ]] && compopt -o nospace
        COMPREPLY+=("${candidate#"$prefix"}")
    done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
}
complete -F _clickmarket clickmarket
"""
ZSH = r"""#compdef clickmarket
# zsh: eval "$(clickmarket completion zsh)", in ~/.zshrc after compinit to keep it
_clickmarket() {
    local -a found
    found=("${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -S '' -- ${(M)found:#*[=/+]}
    compadd -- ${found:#*[=/+]}
}
compdef _clickmarket clickmarket
"""
FISH = r"""# fish: clickmarket completion fish | source, in ~/.config/fish/config.fish to keep it
function __clickmarket_words
    set -l typed (commandline -opc) (commandline -ct)
    $typed[1] completion words -- $typed[2..-1] 2>/dev/null
end
complete -c clickmarket -f -a '(__clickmarket_words)'
"""
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
WORDS = "words"

COMPLETION_USAGE = """\
clickmarket completion bash|zsh|fish

Print what makes a shell complete commands, groups, parameters, policies and files. In this shell:

  eval "$(clickmarket completion bash)"
  eval "$(clickmarket completion zsh)"
  clickmarket completion fish | source

To keep it, put the same line into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.
"""

SETTINGS_OF = {
    "run": ("config=", "resume=", "--plugin", "--cfg", "-m", "--help"),
    "compare": ("seeds=", "jobs=", "match=", "match_to=", "config=", "--plugin", "--help"),
    "sweep": (
        "study=", "seeds=", "design=", "points=", "engine=", "jobs=", "address=", "timeout=", "memory=",
        "series=", "retry_failed=", "fresh=", "config=", "--shard", "--dry-run", "--plugin", "--help",
    ),
    "validate": ("seeds=", "trial_seeds=", "jobs=", "config=", "--plugin", "--help"),
}  # fmt: skip
"""Commands that take settings, and their own words."""

VALUES_OF = {
    "match": ("static", "realised"),
    "engine": ("local", "serial", "dask"),
    "design": ("grid", "list", "lhs", "sobol", "saltelli", "morris"),
    "series": ("true", "false"),
    "retry_failed": ("true", "false"),
    "fresh": ("true", "false"),
}
TAKES_FILE = ("config", "resume", "results.dir", "world.table", "address")


def command(words: Sequence[str], commands: Sequence[str]) -> int:
    """Print a shell's script, or candidates for the last of some words; return the exit code."""
    shell = words[0] if words else "--help"
    if shell in ("--help", "-h"):
        print(COMPLETION_USAGE, end="")
    elif shell == WORDS:
        print("".join(f"{one}\n" for one in candidates(words[2:], commands)), end="")
    else:
        told = "has no script for such a shell."
        one_of("completion", shell, SHELLS, told, typed="clickmarket completion *")
        print(SHELLS[shell], end="")
    return 0


def candidates(words: Sequence[str], commands: Sequence[str]) -> list[str]:
    """Return what the last of the words after `clickmarket` may become, sorted."""
    current = words[-1] if words else ""
    if len(words) < 2:
        found: Iterator[str] = iter((*commands, "--help", "--version"))
    elif words[-2] == "--plugin":
        found = _files(current, (".py",))
    elif words[-2] == "--cfg":
        found = iter(("job",))
    elif words[0] == "completion":
        found = iter(SHELLS)
    elif words[0] in SETTINGS_OF:
        found = _of_settings(words[0], current)
    else:
        found = _files(current, ())
    return sorted({one for one in found if one.startswith(current)})


def _of_settings(command: str, current: str) -> Iterator[str]:
    """Yield candidates for a word of a command that takes settings."""
    from sim.composition import conf_folder, group_options

    options = group_options(conf_folder())
    key, equals, value = current.partition("=")
    if equals:
        yield from (f"{key}={one}" for one in _values(key, value, options))
        return
    yield from SETTINGS_OF[command]
    if command == "compare":
        yield from _scenarios(current, options)
    yield from (
        f"{group}=" for group in options if command != "compare" or group not in ("policy", "scenario")
    )
    yield from (f"{path}=" for path in _paths())


def _values(key: str, value: str, options: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield values of a setting; of several that are chosen together or swept over, for the last."""
    done = value[: max(value.rfind(","), value.rfind("[")) + 1]
    if key in options:
        yield from (done + name for name in options[key])
    elif key in VALUES_OF:
        yield from VALUES_OF[key]
    elif key == "study":
        yield from _studies()
        yield from _files(value, (".yaml", ".yml"))
    elif key in TAKES_FILE:
        yield from _files(value, (".yaml", ".yml", ".csv", ".json"))
    else:
        yield from (done + one for one in _choices(key))


def _studies() -> Iterator[str]:
    """Yield the names of the studies that come with the groups."""
    from sim.composition import conf_folder

    yield from (file.stem for file in sorted((conf_folder() / "study").glob("*.yaml")))


def _scenarios(current: str, options: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield scenarios: names, policies joined by a plus, files."""
    done = current[: current.rfind("+") + 1]
    yield from (done + name for name in options.get("policy", []))
    if not done:
        yield from options.get("scenario", [])
        yield from _files(current, (".yaml", ".yml"))


def _paths() -> Iterator[str]:
    """Yield the path of every parameter; named entries by the names that the project's own files give."""
    from sim.config import Config
    from sim.schema import ANY_NAME, describe

    names = _names()
    for row in describe(Config):
        section, _, last = row.path.partition(f".{ANY_NAME}.")
        if last:
            yield from (f"{section}.{name}.{last}" for name in names.get(section, ()))
        else:
            yield row.path


def _names() -> dict[str, list[str]]:
    """Return names of platforms, segments and types of tasks."""
    from sim.composition import conf_folder
    from sim.config import Config
    from sim.plain_yaml import read_yaml

    usual = Config()
    files = sorted((conf_folder() / "platforms").glob("*.yaml"))
    platforms = {name for file in files for name in read_yaml(file).values.get("platforms") or {}}
    return {
        "platforms": sorted({*usual.platforms, *platforms}),
        "segments": sorted(usual.segments),
        "task_types": sorted(usual.task_types),
    }


def _choices(path: str) -> Sequence[str]:
    """Return the choices of a parameter, if it is one of few."""
    from sim.config import Config
    from sim.schema import opened, slots, type_at

    parent, _, last = path.rpartition(".")
    hint = type_at(Config, parent)
    kind, inner = opened(hint) if hint is not None else ("", None)
    owner = inner if kind in ("optional", "class") else None
    slot = (
        slots(owner).get(last) if isinstance(owner, type) and hasattr(owner, "__dataclass_fields__") else None
    )
    if slot is None:
        return ()
    return ("true", "false") if slot.hint is bool else slot.limits.choices or ()


def _files(current: str, endings: Sequence[str]) -> Iterator[str]:
    """Yield folders, and files with one of some endings, whose path begins as typed so far."""
    typed = Path(current)
    folder = typed if current.endswith("/") or not current else typed.parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    start = current[: current.rfind("/") + 1]
    for entry in entries:
        if entry.name.startswith(".") and not current.rpartition("/")[2].startswith("."):
            continue
        if entry.is_dir():
            yield f"{start}{entry.name}/"
        elif entry.suffix in endings:
            yield f"{start}{entry.name}"
