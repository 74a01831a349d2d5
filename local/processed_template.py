"""The template as CloudFormation deploys it, by the transforms that MiniStack has (local/emulator/transforms.py)."""

import json
import subprocess
from typing import Any, Final

from local.stack import ROOT

Json = dict[str, Any]

MOST_RESOURCES: Final = 500
"""Resources that CloudFormation takes in a stack; those under a condition count, whether it is met or not."""


def processed(asked: list[Json], *arguments: str) -> list[Json]:
    """What the transforms answer to what they are asked, as local/emulator/transforms.py says."""
    python, transforms = ROOT / ".venv/ministack/bin/python", ROOT / "local/emulator/transforms.py"
    done = subprocess.run(
        [str(python), "-I", str(transforms), *arguments],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
    )
    found: list[Json] = json.loads(done.stdout)
    return found


def resources_of(template: str) -> Json:
    """The resources of a template's text, by their logical ids, with the defaults of its parameters."""
    (answer,) = processed([{"template": template, "parameters": {}}])
    found: Json = answer["template"]["Resources"]
    return found
