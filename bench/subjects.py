"""What is measured: every function of the template, the conventional stack, and the least that is possible."""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from local.layers import built_layers
from local.packages import compile_packages, copy_packages
from local.rie import RUNTIME_NAME
from local.stack import ROOT
from local.table import NAME
from local.template import Function, functions

HERE = Path(__file__).resolve().parent
CONVENTIONAL = HERE / "conventional"
CONVENTIONAL_PACKAGES = ("aws-lambda-powertools", "boto3", "email-validator", "pydantic")
TRACER_PACKAGES = ("aws-xray-sdk",)
PAGE = 50
EMPTY_ACCOUNT = "019bb6e7-c040-7000-8000-00000000000e"
"""One without contacts: rebuilding the sample account takes some forty calls, which is no start."""


class Kind(StrEnum):
    """Whom a function is compared with."""

    GET = "get"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Subject:
    """Something with a handler that is measured."""

    name: str
    folder: Path
    event: Any
    layers: tuple[Path, ...]
    handler: str = "handler.lambda_handler"
    timeout: int = 30
    """Seconds: some do not begin what they might not bring to an end."""
    environment: dict[str, str] = field(default_factory=dict)
    kind: Kind = Kind.GET
    is_ours: bool = False
    """Ours have budgets, the references are what they are compared with."""
    refuses: bool = False
    """Whether a 404 is what it is there for."""
    lists: bool = False
    """Whether it is measured with a page of contacts in the table."""


def request_event(method: str, route: str, path: str, body: str | None = None, **path_parameters: str) -> Any:
    """An event of API Gateway's HTTP API, payload format 2.0, as it arrives from a client."""
    return {
        "version": "2.0",
        "routeKey": f"{method} {route}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": "api.example.com",
            "user-agent": "bench",
            "x-api-key": f"sk_live_{'0' * 43}",
        },
        "pathParameters": path_parameters,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "bench",
            "domainName": "api.example.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {route}",
            "stage": "$default",
            "time": "15/Jan/2026:10:30:00 +0000",
            "timeEpoch": 1768473000000,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def sample_event(operation: str) -> Any:
    """The event of events/ for an operation."""
    return json.loads((ROOT / "events" / f"{operation}.json").read_text(encoding="utf-8"))


def table_contents(contacts: int = 0) -> dict[str, Any]:
    """What the events of events/ expect to find in the table, and so many contacts more: for `CannedTable`."""
    # Here, as moto takes its time.
    from local import sample_account
    from tests.support.moto_table import MotoTable

    table = MotoTable()
    sample_account.fill(table.client(), NAME)
    items = table.items()
    account = next(item for item in items if item["SK"]["S"] == "ACCOUNT")
    items.append(account | {"PK": {"S": f"ACCOUNT#{EMPTY_ACCOUNT}"}})
    live = next(item for item in items if item["SK"]["S"] == f"CONTACT#{sample_account.LIVE.id}")
    items += [live | {"SK": {"S": f"CONTACT#{number:02}"}} for number in range(contacts)]
    return {"items": items, "counter": {"used": {"N": "1"}, "account_id": {"S": sample_account.ACCOUNT.id}}}


def ours() -> list[Subject]:
    """Every function of the template with its event from events/."""
    return [_our_subject(function) for function in functions()]


def _our_subject(function: Function) -> Subject:
    event = sample_event(function.name)
    if function.name == "reindex_account":
        event = {**event, "account_id": EMPTY_ACCOUNT}
    return Subject(
        function.name,
        function.folder,
        event,
        tuple(built_layers(function.layers)),
        handler=function.handler,
        timeout=function.timeout,
        # As in the cloud, though nothing is asked of the DNS: the sample contact has been judged.
        environment=function.resolved_environment({"Table": NAME, "EmailDns": "on"}),
        kind=kind_of(function),
        is_ours=True,
        refuses=function.name == "refuse_request",
        lists=function.name in ("list_contacts", "search_contacts"),
    )


def kind_of(function: Function) -> Kind:
    """Whom a function is compared with: one that takes a body, or has no route, with the conventional create; one
    that only reads, deletes or refuses with the conventional get.
    """
    takes_body = any(method in ("POST", "PUT", "PATCH") for method, _ in function.routes)
    return Kind.CREATE if takes_body or not function.routes else Kind.GET


def conventional(kind: Kind, variant: str = "", *, compiled: bool = True) -> Subject:
    """The conventional get_contact or create_contact; `variant` "_traced" is the one with X-Ray.

    Raises:
        PackageNotFoundError: X-Ray's package is not installed here.
    """
    packages = CONVENTIONAL_PACKAGES + (TRACER_PACKAGES if variant else ())
    operation = f"{kind}_contact"
    name = f"conventional {kind}{' with Tracer' if variant else ''}{'' if compiled else ', no .pyc'}"
    return Subject(
        name,
        CONVENTIONAL / f"{operation}{variant}",
        sample_event(operation),
        conventional_layers(packages, compiled=compiled),
        environment=_environment(),
        kind=kind,
    )


def references() -> list[Subject]:
    """The least that is possible: a function that does nothing, and one that does no more than call DynamoDB."""
    return [
        Subject("bare function", HERE / "references" / "bare_function", sample_event("get_contact"), ()),
        client_alone(),
    ]


def client_alone() -> Subject:
    """The client of botocore on its own, from the layer that our functions use."""
    dependencies, *_ = built_layers()
    return Subject(
        "botocore client alone",
        HERE / "references" / "client_alone",
        sample_event("get_contact"),
        (dependencies,),
        environment=_environment(),
    )


def _environment() -> dict[str, str]:
    return {
        "TABLE_NAME": NAME,
        "POWERTOOLS_SERVICE_NAME": "contacts",
        "POWERTOOLS_METRICS_NAMESPACE": "Contacts",
    }


def conventional_layers(packages: tuple[str, ...], *, compiled: bool) -> tuple[Path, Path]:
    """The conventional stack's own shared modules, and its packages, whole.

    With byte code as our layers have it, so that the comparison is about the stack and not about packaging; without,
    as a plain `sam build` ships them.
    """
    shared = CONVENTIONAL / "shared"
    names = "-".join(f"{package}-{version(package)}" for package in packages)
    label = f"{RUNTIME_NAME}-{names}{'' if compiled else '-sources'}"
    kept = _made_once(label, lambda folder: copy_packages(packages, folder), compiled=compiled)
    if compiled:
        digest = sha256(b"".join(file.read_bytes() for file in sorted(shared.glob("*.py")))).hexdigest()[:16]
        source = shared
        ignored = shutil.ignore_patterns("__pycache__")
        shared = _made_once(
            f"{RUNTIME_NAME}-shared-{digest}",
            lambda folder: shutil.copytree(source, folder, ignore=ignored),
            compiled=True,
        )
    return shared, kept


def _made_once(label: str, fill: Callable[[Path], object], *, compiled: bool) -> Path:
    """A folder of .local/bench that `fill` fills if nobody has yet."""
    folder = ROOT / ".local" / "bench" / label
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            fill(made)
            if compiled:
                compile_packages(made)
            with suppress(OSError):  # another process was faster
                made.rename(folder)
    return folder


def tracer_is_installed() -> bool:
    """Whether the rows with X-Ray can be measured."""
    try:
        return all(version(package) for package in TRACER_PACKAGES)
    except PackageNotFoundError:
        return False
