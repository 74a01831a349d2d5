"""`python -m local.quietly COMMAND …`: runs a command and shows what it printed, in one piece, only when it failed."""

import subprocess
import sys


def main(command: list[str]) -> int:
    """Runs `command`; returns its exit code."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        # One write: what other commands print meanwhile comes before it or after it.
        sys.stderr.buffer.write(done.stdout)
        sys.stderr.buffer.flush()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
