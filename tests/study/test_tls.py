"""A cluster that talks by TLS, set up as docs/cluster.md says, with a certificate of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from sim.errors import UserError
from sim.study import engine
from sim.study.reading import load_sweep
from tests.study.test_sweep import cluster, command, documented, environment
from tests.support.planting import planted
from tests.support.processes import ROOT

pytest.importorskip("distributed")
DOCS = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a certificate, and of the settings that name it, made as the documentation says."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    (line,) = re.findall("^    (openssl req .*)$", DOCS, re.MULTILINE)
    subprocess.run(line.split(), cwd=folder, check=True, capture_output=True)
    (text,) = re.findall(r"^    distributed:\n(?:     .*\n)+", DOCS, re.MULTILINE)
    lines = "\n".join(line[4:] for line in text.splitlines())
    (folder / "tls.yaml").write_text(in_folder(lines, folder))
    return folder


def in_folder(text: str, folder: Path) -> str:
    """Put a folder's certificate, which is its own authority, in the place of the documentation's files."""
    return text.replace("/path/to/ca.pem", "/path/to/cert.pem").replace("/path/to", str(folder))


def exported(folder: Path) -> dict[str, str]:
    """What the documentation has a sweep export."""
    return dict(re.findall("^    export (.*)=(.*)$", in_folder(DOCS, folder), re.MULTILINE))


def test_a_sweep_by_tls(certificate: Path, tmp_path: Path) -> None:
    """Without certificates it is refused; with them in the environment, or in Dask's settings, it plays."""
    file, results = tmp_path / "scheduler.json", tmp_path / "results"
    settings = {"DASK_CONFIG": str(certificate)}
    with cluster(file, more=["--protocol", "tls"], of=settings):
        words = command(results, "engine=dask", f"address={file}")
        found = {}
        for name, more, last in (
            ("none", {}, ()),
            ("settings", settings, ("--dry-run",)),
            ("exported", exported(certificate), ()),
        ):
            found[name] = subprocess.run(
                [*words, *last], env=environment() | more, cwd=ROOT, capture_output=True, text=True,
                check=False, timeout=300,
            )  # fmt: skip
            if name == "none":
                assert '"tls://127.0.0.1:' in file.read_text()
                assert not results.exists()
    assert {name: one.returncode for name, one in found.items()} == {"none": 2, "exported": 0, "settings": 0}
    assert "needs certificates for TLS" in found["none"].stderr
    assert all(name in found["none"].stderr for name in exported(certificate))
    assert "on 2 workers of the cluster" in found["settings"].stdout
    (folder,) = results.iterdir()
    assert (load_sweep(folder).experiments["status"] == "done").all()


def check_refusals(module: ModuleType, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that asks for TLS is refused at once where no certificates are, or broken ones."""
    import dask

    monkeypatch.setattr(module, "SCHEDULER_SECONDS", 0.01)
    (tmp_path / "broken.pem").write_text("no certificate")
    (tmp_path / "s.json").write_text('{"address": "tls://127.0.0.1:1"}')
    names = ("ca-file", "client.cert", "client.key")
    for file, told in (
        (None, "names none"),
        (tmp_path / "broken.pem", "cannot read"),
        (tmp_path / "nowhere.pem", "cannot read"),
        (folder / "cert.pem", "cannot read"),
    ):
        named = {f"distributed.comm.tls.{name}": str(file) if file else None for name in names}
        for where in ("tls://127.0.0.1:1", str(tmp_path / "s.json")):
            with dask.config.set(named), pytest.raises(UserError, match=told) as refusal:
                module.start("dask", where=where)
            assert (refusal.value.path, refusal.value.value) == ("address", where)


def test_without_certificates_it_is_refused(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_refusals(engine, certificate, tmp_path, monkeypatch)
    for old, new in (
        ('if address.startswith("tls://") else None', "if False else None"),
        ('security.get_connection_args("client")["ssl_context"] is not None', "True"),
    ):
        with pytest.raises(AssertionError):
            check_refusals(planted(engine, old, new), certificate, tmp_path, monkeypatch)


def test_the_documented_words_are_there() -> None:
    assert set(exported(ROOT)) == set(engine.TLS_FILES)
    assert "--scheduler-file" in documented("scheduler", ROOT)
