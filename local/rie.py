"""One Lambda function run the way Lambda runs it, without Docker.

AWS ships the parts separately: the runtime interface emulator (a Linux binary inside the aws-sam-cli package) plays the
Lambda service, and awslambdaric, the real Python runtime client, loads the handler. Together they give a function
what it gets in the cloud: a fresh process, its own environment, its layers on the path, events and answers as JSON over
the runtime API. Tests, benchmarks and `make invoke` share this class.

The function's process sees the standard library, its own folder, its layers and awslambdaric, and nothing of
the environment this module runs in: it is started with `-S` (no site-packages), and awslambdaric with the packages it
requires is copied to a folder of its own first.
"""

import http.client
import importlib.metadata
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from local.environment import REGION
from local.errors import LocalStackError
from local.machine import lambda_architecture
from local.packages import compile_packages, copy_packages
from local.stack import HOST, ROOT, free_port

RUNTIME_NAME = f"python{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = Path(getattr(sys, "_base_executable", sys.executable))
"""The interpreter itself, not the one of a virtual environment, whose packages a function must not see."""

SECONDS_TO_START = 10
SECONDS_TO_REPORT = 5

_DURATION = re.compile(r"^REPORT RequestId:.*?\tDuration: ([0-9.]+) ms", re.MULTILINE)
_WITHOUT_ITS_PORT = "rapid.startRuntimeAPI("
"""Where the emulator ends that cannot have the port of its runtime API."""
_STARTS = 3
_HANDLER_DURATION = re.compile(r"INVOKE RTDONE\(.*?duration: ([0-9.]+)ms\)")


class RuntimeUnavailable(LocalStackError):
    """Raised when this machine lacks the emulator or the runtime client; the message says what to do."""


class FunctionFailed(Exception):
    """Raised when the function's process ended, did not answer in time, or could not be started."""


class _PortTaken(FunctionFailed):
    """Raised when somebody else has a port that was free when it was chosen; the function has not run yet."""


class Invocation(NamedTuple):
    """What one invoke gave.

    `duration_ms` is the emulator's own figure; for the first invoke of a process it contains the start of Python and
    the whole init (the "Init Duration" that the emulator also prints covers neither). `handler_ms` is the part of it
    after the init: on Lambda that runs on the function's share of a CPU, the init on a whole one. `payload` of a
    handler that raised is Lambda's `{"errorMessage": …, "errorType": …}`.
    """

    payload: Any
    duration_ms: float
    handler_ms: float
    log: str


def emulator_binary() -> Path:
    """The emulator for this machine, from the environment of the SAM CLI.

    Raises:
        RuntimeUnavailable: not Linux, an unknown architecture, or no SAM CLI in `.venv/sam`.
    """
    architecture = lambda_architecture()
    if platform.system() != "Linux" or architecture is None:
        raise RuntimeUnavailable(
            "AWS's Lambda runtime emulator exists for Linux on x86-64 and arm64, "
            f"and this machine is {platform.system()} on {platform.machine()}"
        )
    name = f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}"
    found = sorted((ROOT / ".venv" / "sam").glob(name))
    if not found:
        raise RuntimeUnavailable(".venv/sam is missing: `make test` installs it, and AWS's emulator is in it")
    return found[-1]


def runtime_client_folder() -> Path:
    """A folder with awslambdaric and what it requires, compiled, and nothing else; made once per version.

    Raises:
        RuntimeUnavailable: awslambdaric is not installed in the environment that runs this.
    """
    try:
        version = importlib.metadata.version("awslambdaric")
    except importlib.metadata.PackageNotFoundError:
        raise RuntimeUnavailable("awslambdaric is not installed: `make test` installs it") from None
    folder = ROOT / ".local" / "runtime" / f"{RUNTIME_NAME}-awslambdaric-{version}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            packages = Path(scratch) / "packages"
            copy_packages(["awslambdaric"], packages)
            compile_packages(packages)
            with suppress(OSError):  # another process was faster
                packages.rename(folder)
    return folder


def function_environment(
    function: Path, environment: Mapping[str, str], layers: Sequence[Path]
) -> dict[str, str]:
    """Everything a function's process has in its environment: what Lambda sets, and `environment` over it.

    With `python -S` its path is then the standard library, the function's folder, its layers and awslambdaric.
    """
    paths = [function, *(layer.resolve() for layer in layers), runtime_client_folder()]
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        # /opt and /var/task are read-only.
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME_NAME}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(function),
        **environment,
    }


class RuntimeEmulator:
    """One function in one execution environment; a context manager.

    The function's process starts with the first `invoke`, whose duration therefore contains the init, and stays
    for those that follow, as a warm environment does.
    """

    def __init__(
        self,
        function: Path,
        environment: Mapping[str, str],
        layers: Sequence[Path] = (),
        *,
        handler: str = "handler.lambda_handler",
        timeout: int = 30,
        memory: int = 256,
    ) -> None:
        """Nothing is started yet: `start`, or `with`, does.

        Args:
            function: the folder with the handler; its working directory, as /var/task is on Lambda.
            environment: the function's variables, over those Lambda sets itself; nothing is inherited.
            layers: folders to find packages in, first match first, as /opt/python is on Lambda.
            handler: `module.function`, as in the template.
            timeout: seconds one invoke may take.
            memory: megabytes the function is told it has; nothing enforces it.
        """
        self._function = function.resolve()
        self._handler = handler
        self._timeout = timeout
        lambdas_own = {
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        }
        self._environment = function_environment(self._function, lambdas_own | dict(environment), layers)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the emulator and wait until it listens.

        Raises:
            RuntimeUnavailable: this machine lacks what it needs.
            FunctionFailed: it ended at once.
        """
        for _ in range(_STARTS - 1):
            with suppress(_PortTaken):
                return self._start()
        return self._start()

    def _start(self) -> None:
        binary = emulator_binary()
        self._port = free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        self._process = subprocess.Popen(
            [
                str(binary),
                *("--runtime-interface-emulator-address", f"{HOST}:{self._port}"),
                *("--runtime-api-address", f"{HOST}:{free_port()}"),
                *(str(PYTHON), "-S", "-m", "awslambdaric", self._handler),
            ],
            cwd=self._function,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                failure = self._failure("the runtime emulator did not start")
                self.stop()
                raise failure
            time.sleep(0.005)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self._port)) == 0

    def log(self) -> str:
        """Everything the emulator and the function have printed since the start."""
        if self._log is None:
            return ""
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

    def invoke(self, event: Any) -> Invocation:
        """Send one event and wait for the answer.

        Raises:
            FunctionFailed: the function's process ended, or did not answer in time.
        """
        for _ in range(_STARTS - 1):
            try:
                return self._invoked(event)
            except _PortTaken:
                self.stop()
                self.start()
        return self._invoked(event)

    def _invoked(self, event: Any) -> Invocation:
        printed_before = len(self.log())
        connection = http.client.HTTPConnection(HOST, self._port, timeout=self._timeout + SECONDS_TO_START)
        try:
            connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event))
            response = connection.getresponse()
            answer = response.read()
            if response.status != HTTPStatus.OK:
                raise ValueError(answer.decode("utf-8", "replace"))
            return Invocation(json.loads(answer), *self._reported(printed_before))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._failure(str(error), printed_before) from error
        finally:
            connection.close()

    def _failure(self, what: str, printed_before: int = 0) -> FunctionFailed:
        log = self.log()[printed_before:]
        return (_PortTaken if _WITHOUT_ITS_PORT in log else FunctionFailed)(f"{what}\n{log}")

    def _reported(self, printed_before: int) -> tuple[float, float, str]:
        """The durations the emulator reports, a little after the answer at times, and all that was printed since."""
        deadline = time.monotonic() + SECONDS_TO_REPORT
        while time.monotonic() < deadline:
            log = self.log()[printed_before:]
            if (whole := _DURATION.search(log)) and (handler := _HANDLER_DURATION.search(log)):
                return float(whole[1]), float(handler[1]), log
            time.sleep(0.001)
        raise ValueError("the runtime emulator reported no duration")

    def stop(self) -> None:
        """End the emulator and the function; nothing of either is left, not even when called twice."""
        process, self._process = self._process, None
        if process is not None:
            # The function first, so that the emulator collects it and no defunct process stays behind.
            deadline = time.monotonic() + SECONDS_TO_START
            while time.monotonic() < deadline:
                functions = [number for number in _session_members(process.pid) if number != process.pid]
                if not functions:
                    break
                for number in functions:
                    with suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
                time.sleep(0.002)
            process.kill()
            process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None


def _session_members(session: int) -> Iterator[int]:
    """The processes of a session, defunct ones too.

    The emulator puts the function into a process group of its own, so the session that `start` opened is what
    holds both together.
    """
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                # pid (name) state parent group session …; a name may hold spaces and parentheses.
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    yield int(process.name)
