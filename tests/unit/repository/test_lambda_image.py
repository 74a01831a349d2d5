"""What `sam local invoke` has to know of a machine, and the stand-in for AWS's image (`make test-docker` runs it)."""

import os
import platform
import shutil
import subprocess
import tomllib

import pytest

from local import lambda_image
from local.errors import LocalStackError
from local.lambda_image import image_tag, locked, mirror, refuse_missing_tools
from local.machine import lambda_architecture
from local.stack import ROOT
from local.template import template

TARGETS = """\
bookworm-updates main http://mirror.example/debian/
trixie main http://other.example/debian/
bookworm contrib http://mirror.example/contrib/
bookworm main http://mirror.example/debian with a space/
bookworm-security main http://mirror.example/debian-security/
"""


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")],
)
def test_the_architecture_is_one_that_the_template_knows(
    machine: str, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert lambda_architecture() == architecture
    assert architecture in template()["Parameters"]["Architecture"]["AllowedValues"]
    assert image_tag() == f"public.ecr.aws/lambda/python:3.13-{architecture}"


@pytest.mark.parametrize("machine", ["riscv64", "armv7l", "i686", ""])
def test_a_processor_that_lambda_does_not_have(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert lambda_architecture() is None
    with pytest.raises(LocalStackError, match="Lambda knows no"):
        image_tag()


def test_what_is_deployed_by_default_is_arm64_and_the_layers_serve_both() -> None:
    assert template()["Parameters"]["Architecture"]["Default"] == "arm64"
    assert template()["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]
    layers = [
        each for each in template()["Resources"].values() if each["Type"] == "AWS::Serverless::LayerVersion"
    ]
    assert len(layers) == 3
    for layer in layers:
        assert layer["Properties"]["CompatibleArchitectures"] == ["arm64", "x86_64"]
        assert f"python{lambda_image.PYTHON_VERSION}" in layer["Properties"]["CompatibleRuntimes"]


def test_sam_is_not_told_of_a_network_that_it_ignores() -> None:
    parameters = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_invoke"]["parameters"]
    assert "docker_network" not in parameters


def test_packages_come_with_their_hashes() -> None:
    entries = locked({"awslambdaric"}).splitlines()
    assert len(entries) == 1
    assert entries[0].startswith("awslambdaric==")
    assert "--hash=sha256:" in entries[0]


def says(text: str) -> object:
    return lambda *command: subprocess.CompletedProcess(command, 0, stdout=text, stderr="")


def test_the_mirror_is_that_of_this_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"VERSION_CODENAME": "bookworm"})
    monkeypatch.setattr(lambda_image, "run", says(TARGETS))
    assert mirror() == "http://mirror.example/debian with a space/"


@pytest.mark.parametrize(
    ("release", "targets"), [({}, TARGETS), ({"VERSION_CODENAME": "noble"}, TARGETS), ({}, "")]
)
def test_where_there_is_no_mirror(
    release: dict[str, str], targets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr(lambda_image, "run", says(targets))
    with pytest.raises(LocalStackError, match="no mirror"):
        mirror()


@pytest.mark.parametrize(
    ("tools", "user", "complaint"),
    [
        ((), 0, "Docker does not answer"),
        (("docker",), 0, "debootstrap is missing"),
        (("docker", "debootstrap"), 1000, "needs root"),
    ],
)
def test_what_is_missing_is_named(
    tools: tuple[str, ...], user: int, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: program if program in tools else None)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(lambda_image, "run", says(""))
    with pytest.raises(LocalStackError, match=complaint):
        refuse_missing_tools()
