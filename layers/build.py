"""Builds a layer: `python build.py dependencies|imports|contacts <directory>`, run by the Python it is built for.

All layers ship unchecked-hash .pyc files beside their sources: a function that has to compile its imports
starts about 300 ms later, and /opt is read-only, so it would never get the chance to keep them. Unchecked,
because a timestamp does not survive the zip file and the check costs a stat for each module.

Without LAYER_PYTHON in the environment the packages are those of the cloud (Python 3.13 on Linux), with binaries for
both of Lambda's architectures side by side: `sam build` tells make nothing of the template's parameters, and Python
takes the binary whose name has its machine in it. With it, they are those of the interpreter that runs this file.
"""

import compileall
import gzip
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

# Python packages land in /opt/python of a function; tracebacks then say so.
LAYER_ROOT = "/opt"

# Python's names for arm64, on which the service is deployed by default, and x86_64.
CLOUD_MACHINES = ("aarch64", "x86_64")
# The glibc of the Lambda runtime (Amazon Linux 2023) is 2.34.
CLOUD_PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")

# botocore describes some 440 services; scanning them takes half of the time it needs to create a client.
USED_SERVICES = frozenset({"dynamodb", "s3", "scheduler", "sqs"})
BOTOCORE_COMMON_DATA = frozenset(
    {"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"}
)


def main(layer: str, target: Path) -> None:
    """Builds `layer` into `target`, which becomes the root of its zip file."""
    packages = target / "python"
    shutil.rmtree(packages, ignore_errors=True)
    if layer == "imports":
        install(layer, packages)
        remove_ballast(packages)
    elif layer == "dependencies":
        install(layer, packages)
        keep_used_services(packages / "botocore" / "data")
        compress_swagger_ui(packages)
        remove_ballast(packages)
    else:
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE / "contacts" / "contacts", packages / "contacts", ignore=caches)
    compile_all(target)


def install(layer: str, packages: Path) -> None:
    """Installs exactly the packages of a layer's lock, which is complete and hashed: nothing is resolved here."""
    lock = HERE / layer / "requirements.txt"
    if os.environ.get("LAYER_PYTHON"):
        pip_install(lock, packages)
        return
    first, *others = CLOUD_MACHINES
    pip_install(lock, packages, first)
    for machine in others:
        with tempfile.TemporaryDirectory() as scratch:
            pip_install(lock, Path(scratch), machine)
            add_binaries(Path(scratch), packages, machine)


def add_binaries(source: Path, packages: Path, machine: str) -> None:
    """Copies the binaries for another machine beside those that are there."""
    for binary in source.rglob("*.so*"):
        if machine not in binary.name:
            sys.exit(f"{binary.name} does not say that it is for {machine}: it would replace another's")
        shutil.copy2(binary, packages / binary.relative_to(source))


def pip_install(lock: Path, packages: Path, machine: str | None = None) -> None:
    """Installs the packages of a lock for a machine of the cloud, or for this interpreter."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--root-user-action", "ignore", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--no-compile"]
    if machine is not None:
        command += ["--implementation", "cp", "--python-version", "3.13"]
        for platform in CLOUD_PLATFORMS:
            command += ["--platform", f"{platform}_{machine}"]
    command += ["--target", str(packages), "--requirement", str(lock)]
    subprocess.run(command, check=True)


def keep_used_services(data: Path) -> None:
    """Leaves only what botocore reads to talk to USED_SERVICES."""
    for entry in data.iterdir():
        if entry.is_dir() and entry.name not in USED_SERVICES:
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name not in BOTOCORE_COMMON_DATA:
            entry.unlink()
    for examples in data.rglob("examples-1.json*"):
        examples.unlink()
    for model in data.rglob("service-2.json.gz"):
        described = without_documentation(json.loads(gzip.decompress(model.read_bytes())))
        # botocore takes it for granted that these have a description (S3 has some).
        for parameter in described.get("clientContextParams", {}).values():
            parameter["documentation"] = ""
        small = json.dumps(described, separators=(",", ":"))
        model.write_bytes(gzip.compress(small.encode(), mtime=0))
    endpoints_file = data / "endpoints.json"
    endpoints = json.loads(endpoints_file.read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in sorted(USED_SERVICES & services.keys())}
    endpoints_file.write_text(json.dumps(endpoints, separators=(",", ":")))


def without_documentation(model: Any) -> Any:
    """A service model without its prose, which is nine tenths of it and read by nobody in a function."""
    if isinstance(model, dict):
        return {
            key: without_documentation(value)
            for key, value in model.items()
            if not (key == "documentation" and isinstance(value, str))
        }
    if isinstance(model, list):
        return [without_documentation(value) for value in model]
    return model


def compress_swagger_ui(packages: Path) -> None:
    """Compresses what `show_docs` serves of Swagger UI (1.7 MB), once and here: the gateway compresses nothing."""
    folder = packages / "aws_lambda_powertools" / "event_handler" / "openapi" / "swagger_ui"
    for file in (*folder.glob("*.css"), *folder.glob("*.js")):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        file.unlink()


def remove_ballast(packages: Path) -> None:
    """Removes what no function runs. The *.dist-info stay: email-validator looks its version up in its own."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    shutil.rmtree(packages / "boto3" / "examples", ignore_errors=True)
    for tests in [*packages.rglob("tests"), *packages.rglob("__pycache__")]:
        shutil.rmtree(tests, ignore_errors=True)


def compile_all(target: Path) -> None:
    """Compiles every module for the running interpreter, which is why that must be the target's version."""
    compiled = compileall.compile_dir(
        target,
        quiet=1,
        stripdir=str(target),
        prependdir=LAYER_ROOT,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        sys.exit("a module of the layer does not compile")


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]).resolve())
    except subprocess.CalledProcessError as failure:
        sys.exit(f"pip could not install the packages of the layer (exit code {failure.returncode})")
