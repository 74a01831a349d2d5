"""Style, types and accessibility of the console's sources, by Biome and tsc.

The templates of the page are strings to every tool. So a copy is made in which they are JSX (jsx.mjs), and types and
accessibility are checked there: its lines are those of the sources.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.stack import ROOT

PAGE: Final = ROOT / "functions" / "show_console" / "page"
HERE: Final = ROOT / "local" / "console"
NODE_MODULES: Final = ROOT / ".venv" / "node" / "node_modules"
_TOOLS: Final = NODE_MODULES / ".bin"


def findings(page: Path = PAGE) -> list[str]:
    """What the tools find, each with the place in the page's folder where it is."""
    found = _biome("check", "biome.json", page, cwd=page)
    with tempfile.TemporaryDirectory(prefix="contacts-console-") as folder:
        copy = Path(folder)
        command = ("node", str(HERE / "jsx.mjs"), str(page), folder, str(NODE_MODULES / "typescript"))
        found += _printed(command, cwd=page)
        shutil.copy(HERE / "tsconfig.json", copy)
        found += _biome("lint", "biome-jsx.json", copy, cwd=copy)
        (copy / "node_modules").symlink_to(NODE_MODULES)
        found += _printed((str(_TOOLS / "tsc"), "--project", folder, "--pretty", "false"), cwd=copy)
    return found


def reformat(page: Path = PAGE) -> None:
    """Write the sources as `findings` wants them; what cannot be mended without a person stays as it is."""
    _biome("check", "biome.json", page, "--write", cwd=page)


def _biome(command: str, configuration: str, folder: Path, *options: str, cwd: Path) -> list[str]:
    biome = (str(_TOOLS / "biome"), command, f"--config-path={HERE / configuration}")
    return _printed(
        (*biome, "--colors=off", "--max-diagnostics=none", "--error-on-warnings", *options, "."), cwd
    )


def _printed(command: Sequence[str], cwd: Path) -> list[str]:
    """What a tool printed, if it failed."""
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return [done.stdout.rstrip() + done.stderr.rstrip()] if done.returncode else []
