"""CONTRIBUTING.md speaks of what is there: its pictures, its paths and its commands."""

import re
from importlib import import_module

import pytest

from local.stack import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
NODES = [label for picture in PICTURES for label in re.findall(r"\w\[([^\]()]+)\]", picture)]
NAMES = {label for label in NODES if not label.startswith("functions/")} | set(
    re.findall(r"`((?:\w+\.)+[A-Z]\w+)`", PAGE)
)


def test_there_are_two_pictures() -> None:
    assert len(PICTURES) == 2
    assert len(NODES) > 10


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_name_in_a_picture_is_one_of_the_code(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(f"contacts.{module}"), attribute)


def test_a_function_in_a_picture_is_deployed() -> None:
    for label in NODES:
        if label.startswith("functions/"):
            assert (ROOT / label / "handler.py").exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", PAGE))))
def test_a_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w-]+/)+[\w.-]*)`", PAGE))))
def test_a_path_is_there(path: str) -> None:
    layer = ROOT / "layers" / "contacts" / "contacts"
    assert (ROOT / path).exists() or (layer / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", PAGE))))
def test_a_command_is_a_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
