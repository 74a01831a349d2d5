"""How long the first request waits: `python -m bench.cold_start [--runs 15] [function …]`.

Each run starts every subject once in a fresh process under AWS's runtime emulator, one after the other, and a ratio is
the median of the ratios run by run: a machine that slows down does so for both sides of it. What counts is the
duration of the first invoke, which contains the start of Python, the init and the answer. DynamoDB is a stub that
answers at once.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import truediv
from statistics import median
from typing import Any

from bench.dynamodb_stub import DynamoDbStub
from bench.results import Results
from bench.subjects import (
    PAGE,
    Kind,
    Subject,
    conventional,
    ours,
    references,
    table_contents,
    tracer_is_installed,
)
from local.errors import LocalStackError
from local.rie import FunctionFailed, Invocation, RuntimeEmulator

RUNS = 15
STRETCH = 0.45
BUDGETS = {
    "get_contact": 0.60,
    "create_contact": 0.70,
    # It signs a URL of S3, whose description takes 25 ms to read.
    "create_import": 0.80,
    # They load what reads a mapping or a row. One begins what takes minutes, a queue invokes the other.
    "start_import": 0.80,
    "carry_out_import": 0.80,
}
BUDGET_OF_OTHERS = 0.75
"""Parts of the conventional stack's time."""

METHOD = """\
Medians of {runs} fresh processes each, interleaved, under AWS's runtime interface emulator with awslambdaric; a ratio
is the median of the ratios run by run.
DynamoDB, SQS and EventBridge Scheduler are a stub on loopback that answers at once, over http, so no TLS handshake is
in it; the account has two contacts (for `list_contacts` 52, for `reindex_account` none), and where `deliver_webhook`
delivers nobody listens. The handler's part comes after the init; Lambda gives the init a whole CPU, the handler what
its memory buys (256 MB: a seventh)."""
COMPARISON = """\
Conventional: Powertools Logger, Metrics and APIGatewayHttpResolver with validation, pydantic with EmailStr, boto3's
resource (`bench/conventional/`); with byte code as ours has it unless it says otherwise; two DynamoDB calls.
A function that takes a body or has no route is compared with the conventional create, any other with its get.
A first request to ours also looks up the caller's key and account: two calls more, and they are in our figures."""


def subjects(chosen: Sequence[str]) -> list[Subject]:
    """What is measured; `chosen` names some of our functions, none of them all."""
    functions = [subject for subject in ours() if not chosen or subject.name in chosen]
    compared = [conventional(kind) for kind in Kind]
    if not chosen:
        compared += [conventional(kind, compiled=False) for kind in Kind]
        if tracer_is_installed():
            compared += [conventional(kind, "_traced") for kind in Kind]
    return [*references(), *compared, *functions]


def first_invoke(subject: Subject, endpoint_url: str) -> Invocation:
    """The first invoke in a fresh process.

    Raises:
        FunctionFailed: it did not answer what it should, so that its time would mean nothing.
    """
    environment = {**subject.environment, "AWS_ENDPOINT_URL": endpoint_url}
    with RuntimeEmulator(
        subject.folder, environment, subject.layers, handler=subject.handler, timeout=subject.timeout
    ) as emulator:
        invocation = emulator.invoke(subject.event)
    refuse_wrong_answer(subject, invocation.payload, invocation.log)
    return invocation


def refuse_wrong_answer(subject: Subject, payload: Any, log: str = "") -> None:
    """Raise FunctionFailed unless the answer is a success, or a refusal of one that is there to refuse."""
    answer = payload or {}
    status = answer.get("statusCode", 200)
    is_served = 200 <= status < 300 or (status == 404 and subject.refuses)
    if "errorMessage" in answer or answer.get("batchItemFailures") or not is_served:
        raise FunctionFailed(f"{subject.name} answered {payload}\n{log}")


def measure(measured: Sequence[Subject], runs: int) -> dict[str, list[Invocation]]:
    """The first invokes of each subject, by its name, in the order of the runs."""
    invocations: dict[str, list[Invocation]] = defaultdict(list)
    with DynamoDbStub(table_contents()) as stub, DynamoDbStub(table_contents(PAGE)) as full:
        for run in range(runs + 1):
            for subject in measured:
                invocation = first_invoke(subject, full.url if subject.lists else stub.url)
                if run:  # the one before the first reads the packages from the disk
                    invocations[subject.name].append(invocation)
            print(f"\rcold starts: run {run} of {runs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return invocations


def results(measured: Sequence[Subject], invocations: Mapping[str, list[Invocation]]) -> Results:
    """The figures with their ratios, held against the budgets."""
    table = Results(
        "cold_start",
        "Cold start: the first invoke, init included",
        ("function", "median ms", "min ms", "of it handler ms", "compared with", "ratio", "budget"),
    )
    durations = {name: [invocation.duration_ms for invocation in of] for name, of in invocations.items()}
    for subject in measured:
        own = durations[subject.name]
        handler = median(invocation.handler_ms for invocation in invocations[subject.name])
        ratio = median(map(truediv, own, durations[f"conventional {subject.kind}"]))
        budget = BUDGETS.get(subject.name, BUDGET_OF_OTHERS) if subject.is_ours else None
        if budget is not None and ratio > budget:
            table.failures.append(
                f"{subject.name} at {ratio:.2f} of the conventional {subject.kind} (budget {budget:.2f})"
            )
        table.rows.append((subject.name, median(own), min(own), handler, str(subject.kind), ratio, budget))
    table.notes = [
        METHOD.format(runs=len(durations[measured[0].name])),
        COMPARISON,
        f"Stretch goal: {STRETCH:.2f} (reached by {_reached(table)}).",
    ]
    return table


def _reached(table: Results) -> str:
    """The functions whose ratio is at most the stretch goal."""
    names = [str(row[0]) for row in table.rows if row[6] is not None and float(row[5] or 0) <= STRETCH]
    return ", ".join(names) or "none"


def run(runs: int = RUNS, chosen: Sequence[str] = ()) -> Results:
    """Measure everything."""
    measured = subjects(chosen)
    return results(measured, measure(measured, runs))


def main() -> int:
    """Run the command line; the exit code is 1 if a budget was not met."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.cold_start", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--runs", type=int, default=RUNS, help=f"fresh processes each (default {RUNS})")
    parser.add_argument(
        "functions", nargs="*", help="some functions only; nothing is written to bench/results then"
    )
    arguments = parser.parse_args()
    try:
        table = run(arguments.runs, arguments.functions)
    except (LocalStackError, FunctionFailed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.functions:
        print(table.as_markdown())
        return 1 if table.failures else 0
    return table.publish()


if __name__ == "__main__":
    sys.exit(main())
