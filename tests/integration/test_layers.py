"""The built layers: what a function finds under /opt."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.deployment import Deployment
from local.stack import ROOT

LAYERS = ROOT / "layers"
USED_SERVICES = {"dynamodb", "s3", "scheduler", "sqs"}

# The flags after the magic number: hash-based, not checked against the source (PEP 552).
UNCHECKED_HASH = (1).to_bytes(4, "little")


@dataclass(frozen=True)
class Target:
    """Something a layer can be built for."""

    name: str
    cache_tag: str
    machines: frozenset[str]


LOCAL = Target("local", sys.implementation.cache_tag, frozenset({os.uname().machine}))
"""This interpreter: as `make run` has them."""
CLOUD = Target("cloud", "cpython-313", frozenset({"aarch64", "x86_64"}))


@pytest.fixture(scope="module", params=[LOCAL, CLOUD], ids=lambda target: target.name)
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.param
    if (
        chosen is CLOUD
        and subprocess.run(["make", "-s", "-C", str(LAYERS), "python"], check=False).returncode
    ):
        pytest.skip("needs Python 3.13")
    return chosen


@pytest.fixture(scope="module")
def dependencies(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("DependenciesLayer", target, tmp_path_factory.mktemp("dependencies"))


@pytest.fixture(scope="module")
def imports(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("ImportLayer", target, tmp_path_factory.mktemp("imports"))


@pytest.fixture(params=["dependencies", "imports"])
def lock_and_packages(request: pytest.FixtureRequest, target: Target) -> tuple[Path, Path]:
    """A layer of third-party packages: its lock, and what was built of it."""
    return LAYERS / request.param / "requirements.txt", request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def contacts(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("ContactsLayer", target, tmp_path_factory.mktemp("contacts"))


def built(layer: str, target: Target, directory: Path) -> Path:
    """The packages of a layer: of the stack that the tests run on, or built as `sam build` does for the cloud."""
    if target is LOCAL:
        return Deployment(ROOT, "http://127.0.0.1", directory / "sam.log").build() / layer / "python"
    source, artifacts = directory / "source", directory / "artifacts"
    shutil.copytree(LAYERS, source)
    artifacts.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "LAYER_PYTHON"}
    done = subprocess.run(
        ["make", "--makefile", str(source / "Makefile"), f"build-{layer}"],
        cwd=source,
        env=environment | {"ARTIFACTS_DIR": str(artifacts)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return artifacts / "python"


def test_every_third_party_module_is_compiled(lock_and_packages: tuple[Path, Path], target: Target) -> None:
    assert not uncompiled(lock_and_packages[1], target.cache_tag)


def test_every_module_of_contacts_is_compiled(contacts: Path, target: Target) -> None:
    assert (contacts / "contacts" / "__init__.py").exists()
    assert not uncompiled(contacts, target.cache_tag)


def uncompiled(packages: Path, cache_tag: str) -> list[str]:
    """The modules without a .pyc that is taken as it is."""
    modules = list(packages.rglob("*.py"))
    assert modules
    return [str(module.relative_to(packages)) for module in modules if not is_compiled(module, cache_tag)]


def is_compiled(module: Path, cache_tag: str) -> bool:
    compiled = module.parent / "__pycache__" / f"{module.stem}.{cache_tag}.pyc"
    return compiled.exists() and compiled.read_bytes()[4:8] == UNCHECKED_HASH


def test_compiled_modules_name_the_path_they_have_in_a_function(contacts: Path) -> None:
    (compiled,) = (contacts / "contacts" / "__pycache__").glob("__init__.*.pyc")
    assert b"/opt/python/contacts/__init__.py" in compiled.read_bytes()


def test_only_the_services_in_use_are_described(dependencies: Path) -> None:
    data = dependencies / "botocore" / "data"
    assert {entry.name for entry in data.iterdir() if entry.is_dir()} == USED_SERVICES
    assert (data / "endpoints.json").stat().st_size < 50_000


def test_service_models_have_no_prose_and_all_operations(dependencies: Path) -> None:
    (model,) = (dependencies / "botocore" / "data" / "dynamodb" / "2012-08-10").glob("service-2.json.gz")
    described = json.loads(gzip.decompress(model.read_bytes()))
    assert {"GetItem", "TransactWriteItems", "Query"} <= described["operations"].keys()
    assert "documentation" not in described["operations"]["GetItem"]


@pytest.mark.parametrize("service", sorted(USED_SERVICES))
def test_what_is_left_of_a_description_makes_a_client(dependencies: Path, service: str) -> None:
    made = (
        f"import sys; sys.path.insert(0, {str(dependencies)!r}); import botocore.session as session; "
        f"session.get_session().create_client({service!r}, region_name='us-east-1', "
        "aws_access_key_id='x', aws_secret_access_key='x')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", made], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_packages_keep_their_metadata(dependencies: Path) -> None:
    assert list(dependencies.glob("email_validator-*.dist-info/METADATA"))


def test_binaries_are_of_the_target(lock_and_packages: tuple[Path, Path], target: Target) -> None:
    """Every extension module is there once for each machine, and says for which: none can be taken for another's."""
    modules: dict[Path, set[str]] = defaultdict(set)
    for binary in lock_and_packages[1].rglob("*.so"):
        name, tag, *_ = binary.name.split(".")
        assert tag.startswith(f"{target.cache_tag}-")
        modules[binary.with_name(name)].add(tag.removeprefix(f"{target.cache_tag}-").split("-")[0])
    assert modules
    assert set(map(frozenset, modules.values())) == {target.machines}


def test_the_locked_packages_are_there_and_no_other(lock_and_packages: tuple[Path, Path]) -> None:
    lock, packages = lock_and_packages
    locked = {line.split("==")[0].replace("-", "_") for line in lock.read_text().splitlines() if "==" in line}
    shipped = {path.name.split("-")[0].replace("-", "_") for path in packages.glob("*.dist-info")}
    assert shipped == locked


def test_the_layers_of_packages_share_no_package(dependencies: Path, imports: Path) -> None:
    """The later of two layers hides what an earlier one has under the same path."""
    assert {path.name for path in dependencies.iterdir()} & {path.name for path in imports.iterdir()} == set()


def test_a_file_reader_can_import_what_it_reads_with(imports: Path, target: Target) -> None:
    if target is not LOCAL:
        pytest.skip("its binaries are for another Python")
    loaded = "import phonenumbers, python_calamine; phonenumbers.parse('0170 1234567', 'DE')"
    environment = {"PYTHONPATH": str(imports)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", loaded], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


UTILITIES_THAT_NEED_MORE = {
    "data_masking": "jsonpath_ng",
    "validation": "fastjsonschema",
}
"""Utilities of Powertools that a function cannot import, by the package that is not in the layer. (`Tracer` can be
imported; to be used it needs `aws-xray-sdk`.)"""
IMPORTS = """
import importlib, json, pkgutil, sys
from aws_lambda_powertools import utilities

missing = {}
for module in pkgutil.iter_modules(utilities.__path__):
    try:
        importlib.import_module(f"aws_lambda_powertools.utilities.{module.name}")
    except ModuleNotFoundError as error:
        missing[module.name] = error.name
print(json.dumps(missing))
"""


def test_every_utility_of_powertools_can_be_imported_but_two(dependencies: Path, target: Target) -> None:
    """Those that need boto3, too (Parameters, Feature Flags, Idempotency, Streaming): docs/decisions/0052."""
    if target is not LOCAL:
        pytest.skip("its binaries are for another Python")
    environment = {"PYTHONPATH": str(dependencies), "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORTS], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == UTILITIES_THAT_NEED_MORE


LOADED = """
import contacts.core.observability, sys
from contacts.table.aws import new_client

new_client("dynamodb", "http://127.0.0.1:1", is_local=False)
print("boto3" in sys.modules, "s3transfer" in sys.modules)
"""


def test_boto3_is_there_and_costs_no_function_its_import(
    dependencies: Path, contacts: Path, target: Target
) -> None:
    if target is not LOCAL:
        pytest.skip("its binaries are for another Python")
    environment = {"PYTHONPATH": f"{dependencies}:{contacts}", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOADED], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
    assert (dependencies / "boto3").is_dir()
