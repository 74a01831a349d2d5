"""Builds template.yaml and deploys it to an emulator, with the same SAM that deploys it to AWS."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.environment import REGION, own_environment
from local.errors import LocalStackError
from local.routes import create_routes

STACK_NAME = "contacts"
BUCKET = "local-artifacts"

# All that the deployed stack is made of.
SOURCES = (
    *("template.yaml", "monitoring.yaml", "samconfig.toml", "functions", "layers"),
    *("local/deployment.py", "local/routes.py"),
)

BUILDS_KEPT = 3


class Deployment:
    """One template.yaml, built for the interpreter that runs the emulator, in the emulator at `endpoint_url`."""

    def __init__(self, root: Path, endpoint_url: str, log_file: Path) -> None:
        self.root = root
        self.endpoint_url = endpoint_url
        self.log_file = log_file
        self.python = root / ".venv" / "ministack" / "bin" / "python"
        self.sam = root / ".venv" / "sam" / "bin" / "sam"

    def client(self, service: str, answers_within_s: int = 60) -> Any:
        """A boto3 client of the emulator."""
        # Untyped: the type of a client depends on the name of its service.
        client_of: Any = boto3.client
        return client_of(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=answers_within_s),
        )

    def version(self) -> str:
        """A digest of all that is deployed: equal digests need no new deployment."""
        digest = hashlib.sha256()
        for name in SOURCES:
            path = self.root / name
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    digest.update(
                        str(file.relative_to(self.root)).encode() + b"\0" + file.read_bytes() + b"\0"
                    )
        # The layers are built for this interpreter, and its configuration names the installed version.
        digest.update((self.root / ".venv" / "ministack" / "pyvenv.cfg").read_bytes())
        return digest.hexdigest()[:16]

    def deploy(self) -> None:
        """Builds what is not built yet and deploys it.

        Raises:
            LocalStackError: SAM refused the template or the emulator refused the deployment.
        """
        built = self.build()
        try:
            self.client("s3").create_bucket(Bucket=BUCKET)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        template, config = str(built / "template.yaml"), str(self.root / "samconfig.toml")
        self.run_sam(
            *("deploy", "--config-file", config, "--config-env", "local"),
            *("--template-file", template, "--s3-bucket", BUCKET),
        )
        self.serve_routes()

    def build(self) -> Path:
        """Runs `sam build`, once for each version: the tests and `make run` share the result."""
        builds = self.root / ".local" / "build"
        built = builds / self.version()
        if not built.is_dir():
            for cache in (self.root / "functions").rglob("__pycache__"):
                shutil.rmtree(cache, ignore_errors=True)
            unfinished = builds / f"unfinished-{os.getpid()}"
            shutil.rmtree(unfinished, ignore_errors=True)
            self.run_sam(
                "build",
                "--template-file",
                str(self.root / "template.yaml"),
                "--build-dir",
                str(unfinished),
                LAYER_PYTHON=str(self.python),
            )
            try:
                unfinished.rename(built)
            except OSError:
                # Another process was faster with the same version.
                shutil.rmtree(unfinished, ignore_errors=True)
            for old in sorted(builds.glob("[0-9a-f]*"), key=lambda build: build.stat().st_mtime)[
                :-BUILDS_KEPT
            ]:
                shutil.rmtree(old, ignore_errors=True)
        return built

    def run_sam(self, command: str, *arguments: str, **variables: str) -> None:
        """Runs one SAM command, its output to the log."""
        environment = own_environment(self.endpoint_url) | variables
        with self.log_file.open("ab") as log:
            done = subprocess.run(
                [str(self.sam), command, *arguments],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise LocalStackError(f"sam {command} failed: see the end of {self.log_file}")

    def serve_routes(self) -> None:
        """Creates the routes, and the domain that lets http://127.0.0.1:PORT be the API and localhost be AWS."""
        gateway = self.client("apigatewayv2")
        (api_id,) = create_routes(gateway, self.client("cloudformation"), STACK_NAME).values()
        try:
            gateway.get_domain_name(DomainName="127.0.0.1")
        except ClientError:
            gateway.create_domain_name(DomainName="127.0.0.1")
        mappings = gateway.get_api_mappings(DomainName="127.0.0.1")["Items"]
        if [mapping["ApiId"] for mapping in mappings] != [api_id]:
            for mapping in mappings:
                gateway.delete_api_mapping(DomainName="127.0.0.1", ApiMappingId=mapping["ApiMappingId"])
            gateway.create_api_mapping(DomainName="127.0.0.1", ApiId=api_id, Stage="$default")

    def resources(self) -> dict[str, str]:
        """The physical id of each resource of the stack, by its logical id."""
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in self._described()
        }

    def environments(self) -> dict[str, dict[str, str]]:
        """The variables of each function of the stack, by its logical id."""
        functions = self.client("lambda")
        return {
            resource["LogicalResourceId"]: functions.get_function_configuration(
                FunctionName=resource["PhysicalResourceId"]
            )["Environment"]["Variables"]
            for resource in self._described()
            if resource["ResourceType"] == "AWS::Lambda::Function"
        }

    def _described(self) -> list[dict[str, Any]]:
        described: list[dict[str, Any]] = self.client("cloudformation").describe_stack_resources(
            StackName=STACK_NAME
        )["StackResources"]
        return described

    def invoke(self, logical_id: str, payload: Any) -> Any:
        """What the function of this logical id answers to `payload`.

        Raises:
            LocalStackError: the function failed.
        """
        answer = self.client("lambda").invoke(
            FunctionName=self.resources()[logical_id], Payload=json.dumps(payload).encode()
        )
        result = json.loads(answer["Payload"].read() or "null")
        if "FunctionError" in answer:
            raise LocalStackError(f"{logical_id} failed: {result}")
        return result
