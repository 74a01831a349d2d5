"""The environment of every process the local stack starts: never the one of a real AWS account."""

import os
from collections.abc import Mapping

REGION = "us-east-1"

# These lead to an account, an endpoint or another Python's packages, or are a real credential themselves.
FOREIGN_PREFIXES = ("AWS_", "SAM_CLI_", "PYTHON", "POWERTOOLS_", "MINISTACK_", "LOCALSTACK_", "LAMBDA_")
FOREIGN_NAMES = frozenset({"AUTH", "SERVICES", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"})


def own_environment(endpoint_url: str) -> dict[str, str]:
    """The caller's environment without anything that leads elsewhere, aimed at the emulator at `endpoint_url`."""
    return foreign_removed(os.environ) | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
        "SAM_CLI_TELEMETRY": "0",
    }


def foreign_removed(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without those that lead elsewhere."""
    return {
        name: value
        for name, value in variables.items()
        if name not in FOREIGN_NAMES and not name.startswith(FOREIGN_PREFIXES)
    }
