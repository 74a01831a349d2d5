"""`python -m local.new_operation count_contacts "GET /v1/count" search`: what `make operation` runs.

Begins an operation: a handler that answers 200, the function and its route in template.yaml, a sample event.
CONTRIBUTING.md says how to go on.
"""

import argparse
import builtins
import json
import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.errors import LocalStackError
from local.processed_template import MOST_RESOURCES, resources_of
from local.stack import ROOT

TEMPLATE: Final = Path("template.yaml")
ROUTING: Final = Path("layers", "contacts", "contacts", "web", "routing.py")
SCOPES: Final = {
    "accounts": ("ACCOUNT_READ", "KEYS_WRITE"),
    "properties": ("PROPERTIES_READ", "PROPERTIES_WRITE"),
    "webhooks": ("WEBHOOKS_READ", "WEBHOOKS_WRITE"),
}
"""What a key needs to read and to write, by feature; elsewhere it is about contacts."""
NO_FEATURES: Final = ("shared", "api", "alarms")
"""Parts of the template that are not of one feature."""
_ROUTE: Final = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/v1(?:/[\w-]+|/\{\w+\})+)")


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.new_operation", description="Begin an operation.")
    parser.add_argument("name", help="of the function: a verb and what it is about, count_contacts")
    parser.add_argument("route", help='"GET /v1/count"')
    parser.add_argument("feature", help="the folder of the layer that it belongs to")
    arguments = parser.parse_args()
    try:
        files = operation(ROOT, arguments.name, arguments.route, arguments.feature)
        refuse_what_does_not_fit(files[TEMPLATE])
    except LocalStackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    write(ROOT, files)
    print("\n".join(map(str, files)))
    return 0


def refuse_what_does_not_fit(template: str) -> None:
    """Count the resources that SAM makes of a template's text, which takes some seconds.

    Raises:
        LocalStackError: CloudFormation takes fewer.
    """
    count = len(resources_of(template))
    if count > MOST_RESOURCES:
        raise LocalStackError(
            f"with it the stack would have {count} resources, and CloudFormation takes {MOST_RESOURCES}: "
            "docs/decisions/0064 says where room can be had. Nothing was written"
        )


def write(root: Path, files: Mapping[Path, str]) -> None:
    """Write texts to files, relative to the root."""
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")


def operation(root: Path, name: str, route: str, feature: str) -> dict[Path, str]:
    """What a new operation needs: the texts of files, relative to the root.

    Raises:
        LocalStackError: the name, the route or the feature cannot be.
    """
    if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name):
        raise LocalStackError(
            f"{name!r} is no name of an operation: two words or more, such as count_contacts"
        )
    found = _ROUTE.fullmatch(route)
    if found is None:
        raise LocalStackError(f"{route!r} is no route such as GET /v1/count")
    handler = Path("functions", name, "handler.py")
    if (root / handler).exists():
        raise LocalStackError(f"{handler} is there already")
    method, path = found[1], found[2]
    for one in re.findall(r"\{(\w+)\}", path):
        if not one.isidentifier() or keyword.iskeyword(one):
            raise LocalStackError(f"{{{one}}} cannot be the name of a parameter in Python")
    template, routing = root / TEMPLATE, root / ROUTING
    return {
        handler: _handler(name, method, path, feature),
        TEMPLATE: _with_function(template.read_text(encoding="utf-8"), name, method, path, feature),
        ROUTING: _with_route(routing.read_text(encoding="utf-8"), method, path),
        Path("events", f"{name}.json"): _event(root, method, path),
    }


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _handler(name: str, method: str, path: str, feature: str) -> str:
    read, write = SCOPES.get(feature, ("CONTACTS_READ", "CONTACTS_WRITE"))
    in_path = re.findall(r"\{(\w+)\}", path)
    parameters = "".join(f", {one}: {'Ref' if one == 'ref' else 'str'}" for one in in_path)
    ref = "from contacts.core.ids import Ref\n" if "ref" in in_path else ""
    is_builtin = any(hasattr(builtins, one) for one in in_path)
    shadows = "  # noqa: A002 (the parameter's name in the path)" if is_builtin else ""
    return f'''"""{method} {path}: {_words(name).lower()}."""

from contacts.accounts.model import Scope
from contacts.core.answers import Json
{ref}from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request

operation = Operation("{name}", Scope.{read if method == "GET" else write})


@operation.on("{method} {path}", responds={{200: (Json, "As asked for.")}})
def {name}(request: Request{parameters}) -> Answer:{shadows}
    """{_words(name)}."""
    return Answer(200, {{}})


lambda_handler = runtime.entrypoint(operation)
'''


def _with_function(template: str, name: str, method: str, path: str, feature: str) -> str:
    """The template with the function, its route, its log group and the gateway's permission."""
    logical_id = "".join(map(str.capitalize, name.split("_")))
    part = feature.replace("_", " ")
    begin = re.search(rf"^  # ==== {part}: .*$", template, re.MULTILINE)
    if begin is None or part in NO_FEATURES:
        raise LocalStackError(f"template.yaml has no part for {feature!r}")
    end = template.index("\n  # ==== ", begin.end()) + 1
    block = f"""  {logical_id}:
    Type: AWS::Serverless::Function
    Metadata: {{ SkipBuild: true }}
    Properties:
      Description: {_words(name)}
      CodeUri: functions/{name}
      LoggingConfig: {{ LogGroup: !Ref {logical_id}Logs }}
      Policies: [!Ref KnowCallerPolicy, !Ref CountRequestPolicy]

"""
    template = template[:end] + block + template[end:]
    for loop in ("FunctionLogs", "GatewayAfterApi"):
        template = _with_name(template, loop, logical_id)
    for each in _gateway_paths(path):
        template = _with_path(template, each, method, logical_id, part)
    return template


def _with_name(template: str, loop: str, logical_id: str) -> str:
    """The template with a function's name in the list of a loop, which is in the order of the functions."""
    begin = template.index(f"Fn::ForEach::{loop}:")
    end = template.index("]\n", begin)
    functions = re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", template, re.MULTILINE)
    named = re.findall(r"(?<=[ ,])(\w+),(?=[ \n])", template[begin:end])
    earlier = next(one for one in reversed(functions[: functions.index(logical_id)]) if one in named)
    listed = re.sub(
        rf"(?<=[ ,]){earlier},(?=[ \n])", f"{earlier}, {logical_id},", template[begin:end], count=1
    )
    return template[:begin] + listed + template[end:]


def _gateway_paths(path: str) -> tuple[str, ...]:
    """A path as the gateway calls it, and with the prefix that some vendors' clients send."""
    called = path.replace("{ref}", "{proxy+}") if path.endswith("{ref}") else path
    return (called, f"/api{called}") if path.startswith("/v1/contacts") else (called,)


def _with_path(template: str, path: str, method: str, logical_id: str, part: str) -> str:
    """The template with a route in the API's definition: at its path, or at the end of the paths of a part.

    Raises:
        LocalStackError: the path has such a route.
    """
    methods = (method, "HEAD") if method == "GET" else (method,)
    routes = "".join(
        f"            {one.lower()}: {{ x-amazon-apigateway-integration: {{ type: aws_proxy, httpMethod: POST, "
        f'payloadFormatVersion: "2.0", uri: !GetAtt {logical_id}.Arn }} }}\n'
        for one in methods
    )
    there = re.search(rf"^          {re.escape(path)}:.*\n((?: {{12}}.*\n)+)", template, re.MULTILINE)
    if there is not None:
        for one in methods:
            if re.search(rf"^ {{12}}{one.lower()}:", there[1], re.MULTILINE):
                raise LocalStackError(f"{one} {path} is there already")
        return template[: there.end()] + routes + template[there.end() :]
    place, heading = _end_of_paths(template, part)
    return f"{template[:place]}{heading}          {path}:\n{routes}{template[place:]}"


def _end_of_paths(template: str, part: str) -> tuple[int, str]:
    """Where the paths of a part end, and the heading that they need there: parts stand in their order."""
    begin = template.index("        paths:\n")
    end = re.compile(r"^ {0,8}\S", re.MULTILINE).search(template, template.index("\n", begin) + 1)
    assert end is not None
    headings = re.finditer(r"^ {10}# ([a-z ]+)\n", template[begin : end.start()], re.MULTILINE)
    places = {heading[1]: begin + heading.start() for heading in headings}
    parts = re.findall(r"^  # ==== ([a-z ]+): ", template, re.MULTILINE)
    later = (places[one] for one in parts[parts.index(part) + 1 :] if one in places)
    return next(later, end.start()), "" if part in places else f"          # {part}\n"


def _with_route(routing: str, method: str, path: str) -> str:
    line = re.search(rf'^    "{re.escape(path)}": \((.*)\),$', routing, re.MULTILINE)
    if line is not None:
        methods = sorted({*re.findall(r"[A-Z]+", line[1]), method})
        return routing.replace(
            line[0], f'    "{path}": ({", ".join(f"{chr(34)}{one}{chr(34)}" for one in methods)}),'
        )
    room = "/".join(path.split("/")[:3])
    alike = re.findall(rf'^    "{room}(?:/[^"]*)?": \(.*\),$', routing, re.MULTILINE)
    new = f'    "{path}": ("{method}",),\n'
    if alike:
        return routing.replace(f"{alike[-1]}\n", f"{alike[-1]}\n{new}", 1)
    return routing.replace('    "/openapi.json":', f'{new}    "/openapi.json":', 1)


def _event(root: Path, method: str, path: str) -> str:
    """A sample event, like that of another operation."""
    event = json.loads((root / "events" / "list_tags.json").read_text(encoding="utf-8"))
    values = dict.fromkeys(re.findall(r"\{(\w+)\}", path), "019bbc0e-1c40-7a3e-8f21-5d3c8b6e4a01")
    shown = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)
    http = {**event["requestContext"]["http"], "method": method, "path": shown}
    context = {**event["requestContext"], "http": http, "routeKey": f"{method} {path}"}
    event |= {"routeKey": f"{method} {path}", "rawPath": shown, "requestContext": context}
    if values:
        event["pathParameters"] = values
    if method != "GET":
        event["headers"]["content-type"] = "application/json"
        event["body"] = "{}"
    return json.dumps(event, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main())
