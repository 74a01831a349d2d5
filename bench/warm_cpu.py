"""How much CPU a warm request takes: `python -m bench.warm_cpu [--rounds 5]`.

The handler runs in a process of its own with the network cut off behind botocore, so that what is left is its own
work and the SDK's. The SDK's share is measured as the same calls made by botocore's client alone. Noise only ever
adds CPU time, so the best block of each subject counts; the rounds are interleaved as for cold starts.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from typing import Any

from bench.cold_start import refuse_wrong_answer
from bench.results import Results
from bench.subjects import (
    Kind,
    Subject,
    client_alone,
    conventional,
    ours,
    table_contents,
    tracer_is_installed,
)
from local.errors import LocalStackError
from local.rie import PYTHON, FunctionFailed, function_environment
from local.stack import ROOT

ROUNDS = 5
BUDGETS_US = {Kind.GET: 250, Kind.CREATE: 500}
"""Beyond the DynamoDB client's own time."""
METHOD = """\
Best of {rounds} interleaved processes each, in µs of CPU time per request. The network is cut off behind botocore.
"Client alone" is the same calls as this handler makes (two each: meter and read, meter and transaction) by botocore's
low-level client. The ratio is to the conventional handler of the same kind."""
OUR_FUNCTIONS = {Kind.GET: "get_contact", Kind.CREATE: "create_contact"}


def worker_report(subject: Subject, task: dict[str, Any]) -> dict[str, Any]:
    """What a fresh worker with this subject's packages measured.

    Raises:
        FunctionFailed: it failed, or the handler did not answer what it should.
    """
    # Nothing listens there: a call that got around the stand-in for the network fails.
    nowhere = "127.0.0.1:9"
    lambdas = {"AWS_LAMBDA_RUNTIME_API": nowhere, "AWS_ENDPOINT_URL": f"http://{nowhere}"}
    environment = {**subject.environment, **lambdas}
    variables = function_environment(subject.folder, environment, subject.layers)
    variables["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
    done = subprocess.run(
        [str(PYTHON), "-S", "-m", "bench.warm_cpu_worker"],
        cwd=subject.folder,
        env=variables,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FunctionFailed(f"{subject.name}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    if not report["calls"]:
        raise FunctionFailed(f"{subject.name} made no call through botocore")
    if "calls" not in task:
        refuse_wrong_answer(subject, report["answer"])
    return report


def subjects() -> dict[Kind, list[Subject]]:
    """Of each kind: our function first, then what it is compared with."""
    functions = {subject.name: subject for subject in ours()}
    variants = ("", "_traced") if tracer_is_installed() else ("",)
    return {
        kind: [functions[OUR_FUNCTIONS[kind]], *(conventional(kind, variant) for variant in variants)]
        for kind in Kind
    }


def run(rounds: int = ROUNDS) -> Results:
    """Measure everything."""
    table = Results(
        "warm_cpu",
        "CPU time of a warm request",
        ("handler", "CPU µs", "client alone µs", "beyond it µs", "budget µs", "ratio"),
    )
    measured = subjects()
    contents = table_contents()
    best: dict[str, float] = defaultdict(lambda: float("inf"))
    for round_number in range(1, rounds + 1):
        for handlers in measured.values():
            for subject in handlers:
                report = worker_report(
                    subject, {"table": contents, "handler": subject.handler, "event": subject.event}
                )
                best[subject.name] = min(best[subject.name], *report["blocks_us"])
                alone = worker_report(
                    client_alone(), {"table": contents, "calls": _repeatable(report["calls"])}
                )
                best[f"client of {subject.name}"] = min(
                    best[f"client of {subject.name}"], *alone["blocks_us"]
                )
        print(f"\rwarm CPU: round {round_number} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for kind, handlers in measured.items():
        reference = best[f"conventional {kind}"]
        for subject in handlers:
            whole, client = best[subject.name], best[f"client of {subject.name}"]
            budget = BUDGETS_US[kind] if subject.is_ours else None
            if budget is not None and whole - client > budget:
                table.failures.append(
                    f"{subject.name} takes {whole - client:.0f} µs beyond the client (budget {budget})"
                )
            table.rows.append((subject.name, whole, client, whole - client, budget, whole / reference))
    table.notes = [METHOD.format(rounds=rounds)]
    return table


def _repeatable(calls: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    """The calls without what the client itself adds to them."""
    return [
        (operation, {name: value for name, value in request.items() if name != "ClientRequestToken"})
        for operation, request in calls
    ]


def main() -> int:
    """Run the command line; the exit code is 1 if a budget was not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.warm_cpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"processes each (default {ROUNDS})")
    try:
        return run(parser.parse_args().rounds).publish()
    except (LocalStackError, FunctionFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
