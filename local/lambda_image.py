"""`make lambda-image`: an image that stands in for AWS's Lambda image of Python 3.13 where that cannot be pulled.

Debian 13 with its Python 3.13, awslambdaric and the program that starts it, under the name that SAM looks for. Then
`SAM_SKIP_PULL_IMAGE=1 sam local invoke …` needs no registry. It takes Debian, root, `debootstrap` and a Docker that
runs; packages come from the mirror that apt on this machine uses. SAM adds AWS's runtime emulator by itself.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from local.errors import LocalStackError
from local.machine import lambda_architecture
from local.packages import with_requirements
from local.stack import ROOT

SUITE = "trixie"
"""Debian 13: the one whose python3 is the template's Runtime."""
PYTHON_VERSION = "3.13"
GLIBC_OF_THE_SUITE = "2_41"
REPOSITORY = "public.ecr.aws/lambda/python"
LABEL = "contacts.stands-in-for-lambda"
"""On the images this makes: one without it is AWS's own, and stays."""

BOOTSTRAP = """\
#!/bin/sh
export PYTHONPATH=/var/task:/opt/python:/var/runtime AWS_EXECUTION_ENV=AWS_Lambda_python3.13
exec python3 -m awslambdaric "$_HANDLER"
"""
"""What the runtime emulator starts: the path of AWS's image, the function before its layers before awslambdaric."""


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        tag = image_tag()
        refuse_missing_tools()
        if is_there(tag) and not is_made_here(tag):
            print(f"{tag} is AWS's own: nothing to do")
            return 0
        with tempfile.TemporaryDirectory(prefix="lambda-image-") as scratch:
            root = Path(scratch) / "root"
            print(f"making {tag}: a minute or two", flush=True)
            install_debian(root, Path(scratch) / "debootstrap.log")
            install_runtime(root)
            import_image(root, tag)
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"made {tag}")
    return 0


def image_tag() -> str:
    """The name under which SAM looks for this machine's image (samcli/local/docker/lambda_image.py).

    Raises:
        LocalStackError: Lambda has no such processor.
    """
    architecture = lambda_architecture()
    if architecture is None:
        raise LocalStackError(f"Lambda knows no {platform.machine()}")
    return f"{REPOSITORY}:{PYTHON_VERSION}-{architecture}"


def refuse_missing_tools() -> None:
    """Raises LocalStackError unless Docker answers, and debootstrap is there for root."""
    if shutil.which("docker") is None or run("docker", "info").returncode:
        raise LocalStackError(
            "Docker does not answer: start it (`dockerd`), or say where it is in DOCKER_HOST"
        )
    if shutil.which("debootstrap") is None:
        raise LocalStackError("debootstrap is missing: `apt-get install debootstrap`")
    if os.geteuid() != 0:
        raise LocalStackError("debootstrap needs root")


def is_there(tag: str) -> bool:
    """Whether Docker has an image of this name."""
    return run("docker", "image", "inspect", tag).returncode == 0


def is_made_here(tag: str) -> bool:
    """Whether this file made it."""
    labels = run("docker", "image", "inspect", "--format", "{{.Config.Labels}}", tag).stdout
    return LABEL in labels


def mirror() -> str:
    """Where apt on this machine gets the packages of its own release from.

    Raises:
        LocalStackError: apt knows no such place; this is no Debian.
    """
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    targets = run(
        *("apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)"),
        "Created-By: Packages",
    ).stdout
    for line in targets.splitlines():
        release, component, uri = line.split(maxsplit=2)
        if (release, component) == (codename, "main"):
            return uri
    raise LocalStackError("apt knows no mirror of Debian here")


def install_debian(root: Path, log: Path) -> None:
    """Puts a small Debian with Python into `root`.

    Raises:
        LocalStackError: debootstrap failed; its last words.
    """
    command = ["debootstrap", "--variant=minbase", "--include=python3", SUITE, str(root), mirror()]
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
        raise LocalStackError("debootstrap failed:\n" + "\n".join(words))
    for ballast in (
        "var/cache/apt",
        "var/lib/apt/lists",
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
    ):
        shutil.rmtree(root / ballast, ignore_errors=True)


def install_runtime(root: Path) -> None:
    """Puts awslambdaric, in the locked version, and what starts it into /var/runtime of `root`.

    Raises:
        LocalStackError: pip could not install it.
    """
    runtime = root / "var" / "runtime"
    runtime.mkdir(parents=True)
    (root / "var" / "task").mkdir()
    (root / "opt").mkdir(exist_ok=True)
    requirements = root / "requirements.txt"
    requirements.write_text(locked(with_requirements(["awslambdaric"]).keys()), encoding="utf-8")
    machine = platform.machine()
    done = run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--require-hashes", "--only-binary", ":all:", "--root-user-action", "ignore"),
        *("--implementation", "cp", "--python-version", PYTHON_VERSION),
        *(
            f"--platform=manylinux_{glibc}_{machine}"
            for glibc in (GLIBC_OF_THE_SUITE, "2_34", "2_28", "2_17")
        ),
        f"--platform=manylinux2014_{machine}",
        *("--target", str(runtime), "--requirement", str(requirements)),
    )
    requirements.unlink()
    if done.returncode:
        raise LocalStackError(f"pip could not install awslambdaric:\n{done.stderr}")
    bootstrap = runtime / "bootstrap"
    bootstrap.write_text(BOOTSTRAP, encoding="utf-8")
    bootstrap.chmod(0o755)


def locked(names: Collection[str]) -> str:
    """The entries of these packages in the lock of the tools, with their hashes."""
    lock = (ROOT / "local" / "locks" / "dev.txt").read_text(encoding="utf-8")
    entries = lock.replace("\\\n", " ").splitlines()
    return "\n".join(entry for entry in entries if entry.split("==")[0] in names)


def import_image(root: Path, tag: str) -> None:
    """Hands `root` to Docker as an image.

    Raises:
        LocalStackError: Docker refused it.
    """
    settings = [
        "WORKDIR /var/task",
        'ENTRYPOINT ["/var/runtime/bootstrap"]',
        "ENV LANG=C.UTF-8 TZ=:UTC LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime",
        f"LABEL {LABEL}={SUITE}",
    ]
    command = ["docker", "import"]
    for setting in settings:
        command += ["--change", setting]
    packing = subprocess.Popen(
        ["tar", "--create", "--one-file-system", "--directory", str(root), "."], stdout=subprocess.PIPE
    )
    imported = subprocess.run(
        [*command, "-", tag], stdin=packing.stdout, capture_output=True, text=True, check=False
    )
    if packing.stdout:
        packing.stdout.close()
    if packing.wait() or imported.returncode:
        raise LocalStackError(f"docker import failed: {imported.stderr}")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command's end and what it said."""
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
