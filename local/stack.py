"""A running local stack: the emulator's process, the deployment in it and the demo account."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from botocore.exceptions import BotoCoreError, ClientError

from local import sample_account
from local.demo import create_demo_account, with_all_keys
from local.deployment import Deployment
from local.emulator import containers
from local.environment import own_environment
from local.errors import LocalStackError
from local.machine import lambda_architecture

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"

VARIABLES_FILE = "sam-env.json"
"""In the stack's directory: each function's variables as it has them there, with the stack's address in a container."""
PARAMETERS_FILE = "sam-parameters.toml"
"""In the stack's directory: the template's parameters for functions in containers on this machine."""

SECONDS_TO_START = 60
SECONDS_TO_SAVE_AND_END = 30


class LocalStack:
    """MiniStack with this repository's template deployed to it.

    Everything it writes is in `directory`: its state, its logs, stack.json. Two stacks with different
    directories and ports may run side by side.
    """

    def __init__(self, directory: Path, port: int, *, persistent: bool = True, root: Path = ROOT) -> None:
        """Args:
        directory: where the stack keeps everything it writes.
        port: the port on loopback, for the API (as 127.0.0.1) and for the AWS APIs (as localhost; in containers
            as host.docker.internal, on Docker's bridge).
        persistent: whether a later stack in the same directory finds the data again.
        root: the repository.
        """
        self.root = root
        self.directory = directory.resolve()
        self.port = port
        self.persistent = persistent
        self.url = f"http://{HOST}:{port}"
        self.endpoint_url = f"http://localhost:{port}"
        self.emulator_log = self.directory / "ministack.log"
        self.deployment = Deployment(root, self.endpoint_url, self.directory / "sam.log")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the emulator, deploys what is not deployed yet and writes stack.json.

        Raises:
            LocalStackError: one line that says what went wrong; nothing is left running.
        """
        self.refuse_missing_tools()
        self.refuse_taken_port()
        try:
            self.start_emulator()
            self.deploy()
            self.write_description()
        except BaseException:
            self.stop()
            raise

    def refuse_missing_tools(self) -> None:
        """Raises LocalStackError unless both environments are installed."""
        for tool in (self.deployment.python, self.deployment.sam):
            if not tool.exists():
                raise LocalStackError(f"{tool.relative_to(self.root)} is missing: `make run` installs it")

    def refuse_taken_port(self) -> None:
        """Raises LocalStackError when something else listens on the port."""
        with socket.socket() as probe:
            # As servers do: the connections of a stack that just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise LocalStackError(
                    f"port {self.port} is not free ({error.strerror}): end what uses it, or choose another with PORT=…"
                ) from error

    def start_emulator(self) -> None:
        """Starts MiniStack on loopback and waits until it answers."""
        temporary = self.directory / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        environment = own_environment(self.endpoint_url) | {
            "AUTH": "true",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # MiniStack would look through the containers of this machine for old ones of its own, and remove them.
            "DOCKER_HOST": f"unix://{self.directory}/no-docker.sock",
            "PERSIST_STATE": "1" if self.persistent else "0",
            "STATE_DIR": str(self.directory / "state"),
            # Each object is a file at once: an import goes on after a crash, as its messages and its item do.
            "S3_PERSIST": "1" if self.persistent else "0",
            "S3_DATA_DIR": str(self.directory / "state" / "s3"),
            # Workers unpack the layers into directories of their own, which a killed emulator leaves behind.
            "TMPDIR": str(temporary),
        }
        with self.emulator_log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    str(self.deployment.python),
                    "-I",
                    str(self.root / "local" / "emulator" / "__main__.py"),
                    # For whoever looks at the list of processes.
                    *(str(self.port), str(self.directory)),
                ],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches this process only: the emulator is ended in order, its workers with it.
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LocalStackError(f"MiniStack did not come up: see the end of {self.emulator_log}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether the emulator answers."""
        try:
            with urlopen(f"{self.endpoint_url}/_ministack/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def deploy(self) -> None:
        """Deploys the template unless this very version is already in the emulator's state."""
        marker = self.directory / "state" / "deployed-version"
        version = self.deployment.version()
        if self.persistent and marker.exists() and marker.read_text() == version and self.is_deployed():
            return
        marker.unlink(missing_ok=True)
        self.deployment.deploy()
        self.save()
        if self.persistent:
            marker.write_text(version)

    def is_deployed(self) -> bool:
        """Whether the emulator's state holds the stack; it does not when a `kill -9` came during a deployment."""
        try:
            return bool(self.deployment.resources())
        except (BotoCoreError, ClientError):
            return False

    def save(self) -> None:
        """Has the emulator write everything it holds to disk."""
        urlopen(Request(f"{self.endpoint_url}/_local/save", method="POST"), timeout=60).close()

    def write_description(self) -> None:
        """Writes stack.json, env for shells, and what `sam local invoke` and `make invoke` read.

        The demo account is created once: its keys are known only when they are created.
        """
        resources = self.deployment.resources()
        file = self.directory / "stack.json"
        known = json.loads(file.read_text()) if file.exists() and self.persistent else {}
        description: dict[str, Any] = {
            "url": self.url,
            "endpoint_url": self.endpoint_url,
            "table": resources["Table"],
        }
        if known.get("table") == description["table"] and self.has_account(known):
            description |= {
                "account_id": known["account_id"],
                "keys": with_all_keys(self.url, known["keys"]),
            }
        elif "ProvisionAccount" in resources:
            description |= create_demo_account(self.deployment, self.url)
            sample_account.fill(self.deployment.client("dynamodb"), resources["Table"])
            self.save()
        file.write_text(json.dumps(description, indent=2) + "\n")
        if "keys" in description:
            variables = f"API={self.url}\nKEY={description['keys']['native']}\n"
            (self.directory / "env").write_text(variables)
        for_sam = {
            function: variables | {"SERVICES_ENDPOINT": f"http://{containers.HOST}:{self.port}"}
            for function, variables in self.deployment.environments().items()
        }
        (self.directory / VARIABLES_FILE).write_text(json.dumps(for_sam, indent=2) + "\n")
        architecture = lambda_architecture()
        parameters = "" if architecture is None else f'Architecture = "{architecture}"\n'
        (self.directory / PARAMETERS_FILE).write_text(parameters)

    def has_account(self, known: dict[str, Any]) -> bool:
        """Whether the demo account that an earlier stack.json knows is in the table, which may have been lost since."""
        with suppress(KeyError, HTTPError):
            headers = {"X-API-Key": known["keys"]["native"]}
            with urlopen(Request(f"{self.url}/v1/account", headers=headers), timeout=30) as answer:
                return bool(json.load(answer)["id"] == known["account_id"])
        return False

    @property
    def description(self) -> dict[str, Any]:
        """What stack.json says: url, endpoint_url, table, account_id, keys."""
        described: dict[str, Any] = json.loads((self.directory / "stack.json").read_text())
        return described

    def stop(self) -> None:
        """Ends the emulator after it has written its state, and whatever it started."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_SAVE_AND_END)
        with suppress(ProcessLookupError):
            # Its session is its own, so the group holds nothing but the emulator and its function workers.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()
        shutil.rmtree(self.directory / "tmp", ignore_errors=True)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
