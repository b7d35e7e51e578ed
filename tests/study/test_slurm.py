"""A sweep on a real Slurm that listens to this machine alone: as docs/cluster.md says, word for word.

Needs Slurm's programs and munge, of a distribution's packages (Debian: slurmctld, slurmd, slurm-client,
munge), and the right to start a process in the name of a user, as root has it: `make test-slurm`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.study import engine
from sim.study.reading import load_sweep
from sim.study.store import Store
from sim.study.sweep import Settings, execute
from tests.conftest import Exercised
from tests.study.test_sweep import WORDS, bytes_of, environment, study_in
from tests.support.processes import ROOT

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "sinfo")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(bool(MISSING) or os.geteuid() != 0, reason="Slurm cannot be started here"),
]

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One node, on the loopback; the environment in which Slurm's commands find it."""
    folder = tmp_path_factory.mktemp("slurm")
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    text = CONFIGURATION.format(host=socket.gethostname().split(".")[0], ports=free_ports(2), folder=folder)
    (folder / "slurm.conf").write_text(text)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    settings = environment() | {"SLURM_CONF": str(folder / "slurm.conf")}
    settings["PATH"] = f"{Path(sys.executable).parent}:{settings['PATH']}:/usr/sbin"
    daemons = [
        ["munged", "--foreground", "--force", f"--key-file={folder}/munge.key",
         f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
         f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed"],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    ]  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []
    try:
        for words in daemons:
            started.append(
                subprocess.Popen(words, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            while words[0] == "munged" and not (folder / "munge.socket").exists():
                assert started[0].poll() is None, (folder / "munged.log").read_text()
        until_it_answers(settings, started, folder)
        yield settings
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=60)


def until_it_answers(settings: dict[str, str], started: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until the node is idle."""
    while True:
        for process in started:
            assert process.poll() is None, "".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], env=settings, capture_output=True, text=True, check=False
        )
        if done.stdout.strip() == "idle":
            return


def scripts() -> list[str]:
    """The scripts of docs/cluster.md that begin with `#!/bin/bash`."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    blocks = re.findall(r"((?:^    .*\n|^\n)+)", text, re.MULTILINE)
    plain = [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() + "\n" for block in blocks]
    return [block for block in plain if block.startswith("#!/bin/bash")]


def submitted(script: str, folder: Path, settings: dict[str, str], results: Path) -> None:
    """Submit a script with the sweep of these tests in the place of its own, and wait for its end."""
    words = " ".join([*(f"'{word}'" for word in WORDS), f"results.dir={results}"])
    python = f"PYTHONPATH={ROOT} {sys.executable}"
    text = script.replace("study=pay_fee_tax", words)
    text = text.replace("clickmarket sweep", f"{python} -m sim sweep")
    text = re.sub(r"(srun[^\n]*?) python -m", rf"\1 env {python} -m", text)
    text = text.replace("--ntasks=33", "--ntasks=3").replace("--ntasks=32", "--ntasks=2")
    text = text.replace("--array=1-16", "--array=1-3").replace("/16", "/3")
    file = folder / "job.sh"
    file.write_text(text)
    done = subprocess.run(
        ["sbatch", "--wait", f"--output={folder}/%A-%a.out", str(file)], env=settings, cwd=folder,
        capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    said = "".join(path.read_text()[-3000:] for path in folder.glob("*.out"))
    assert done.returncode == 0, done.stderr + said


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, _ = execute(study_in(tmp_path_factory.mktemp("plain")), engine.Serial, Settings(quiet=True))
    return folder


@pytest.mark.parametrize("number", [0, 1], ids=["scheduler file", "array"])
def test_a_sweep_as_the_documentation_says(
    number: int, cluster: dict[str, str], plain: Path, tmp_path: Path, exercised: Exercised
) -> None:
    submitted(scripts()[number], tmp_path, cluster, tmp_path / "r")
    (folder,) = (tmp_path / "r").iterdir()
    assert len(Store(folder).parts()) == 1, "whoever is last puts the parts together"
    assert bytes_of(folder) == bytes_of(plain)
    exercised("runs on Slurm", len(load_sweep(folder).experiments), 12)
