"""template.yaml as data, Fn::ForEach expanded: its resources, its functions with their environment and routes."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.routes import routes_of
from local.stack import ROOT

try:
    from yaml import CSafeLoader as _SafeLoader  # a tenth of the time
except ImportError:
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]


class _Loader(_SafeLoader):
    """YAML with CloudFormation's short forms, private to this module: `!Ref x` becomes `{"Ref": "x"}`."""


def _intrinsic(loader: _SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the template; `name` is its folder's, which is its operation's."""

    logical_id: str
    name: str
    folder: Path
    handler: str
    timeout: int
    memory: int
    layers: tuple[str, ...]
    """Logical ids, in the order in which they are unpacked: those of all functions, then its own."""
    environment: Mapping[str, Any]
    """As the template has it: values may be intrinsics (`resolved` replaces them)."""
    routes: tuple[tuple[str, str], ...]
    """(method, path) of each route that leads to it; ("ANY", "$default") of the one that takes what is left.

    What the gateway calls `{proxy+}` is `{ref}`, or `{file}`, as everywhere else.
    """

    def resolved_environment(self, physical_ids: Mapping[str, str]) -> dict[str, str]:
        """The variables as the function gets them, with parameters as the local stack has them.

        Args:
            physical_ids: of resources by logical id, and their attributes by `<logical id>.<attribute>`; what is
                missing there is called as in the template.
        """
        known = {**local_parameters(), **physical_ids}
        return {name: _resolved(value, known) for name, value in self.environment.items()}


def template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """The whole template, parsed and expanded once a process: read it, do not change it.

    It is the template of a stack that uses its own table: what it says for a restored one is left out.
    """
    return _template(path)


@cache
def _template(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = _with_own_table(yaml.load(path.read_text(encoding="utf-8"), _Loader))
    return {**loaded, "Resources": expanded(loaded["Resources"], loaded.get("Mappings", {}))}


def _with_own_table(value: Any) -> Any:
    match value:
        case {"Fn::If": ["TableIsRestored", _, otherwise]}:
            return _with_own_table(otherwise)
        case dict():
            return {key: _with_own_table(inner) for key, inner in value.items()}
        case list():
            return [_with_own_table(inner) for inner in value]
    return value


def expanded(resources: Mapping[str, Any], mappings: Mapping[str, Any]) -> dict[str, Any]:
    """The resources with every Fn::ForEach among them replaced by the resources it makes.

    As the transform AWS::LanguageExtensions does it, as far as the templates use it: collections are lists of names.
    The identifier of a loop is known in the keys, in Ref and in Fn::Sub, also in loops within it.
    """
    found: dict[str, Any] = {}
    for key, value in _made(resources, {}):
        assert key not in found, key
        found[key] = value if value is resources.get(key) else _looked_up(value, mappings)
    return found


def _made(resources: Mapping[str, Any], items: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Resources with the items of the loops around them for the loops' identifiers."""
    for key, value in resources.items():
        if not key.startswith("Fn::ForEach::"):
            yield _with_items(key, items), _filled_in(value, items) if items else value
            continue
        identifier, collection, fragment = value
        for item in collection:
            yield from _made(fragment, {**items, identifier: item})


def _with_items(text: str, items: Mapping[str, str]) -> str:
    for identifier, item in items.items():
        text = text.replace(f"${{{identifier}}}", item)
    return text


def _filled_in(value: Any, items: Mapping[str, str]) -> Any:
    """`value` with the items of the loops around it for their identifiers."""
    if isinstance(value, list):
        return [_filled_in(inner, items) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {key: _filled_in(inner, items) for key, inner in value.items()}
    match value:
        case {"Ref": str(name)} if name in items:
            return items[name]
        case {"Fn::Sub": str(text)}:
            text = _with_items(text, items)
            return {"Fn::Sub": text} if re.search(r"\$\{[^!]", text) else text
        case {"Fn::Sub": [text, variables]}:
            return {"Fn::Sub": [_with_items(text, items), variables]}
    return value


def _looked_up(value: Any, mappings: Mapping[str, Any]) -> Any:
    """`value` with what mappings say."""
    if isinstance(value, list):
        return [_looked_up(inner, mappings) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {key: _looked_up(inner, mappings) for key, inner in value.items()}
    match value:
        case {"Fn::FindInMap": [str(mapping), str(first), str(second)]}:
            return mappings[mapping][first][second]
    return value


@cache
def local_parameters() -> dict[str, str]:
    """The template's parameters as the local stack is deployed with: their defaults, and samconfig.toml's over them."""
    found = {
        name: str(parameter["Default"])
        for name, parameter in template()["Parameters"].items()
        if "Default" in parameter
    }
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    overrides: str = configuration["local"]["deploy"]["parameters"]["parameter_overrides"]
    return found | dict(override.split("=", 1) for override in overrides.split())


def functions(path: Path = ROOT / "template.yaml") -> list[Function]:
    """Every function of the template, in its order, with the Globals applied."""
    whole = template(path)
    defaults = whole.get("Globals", {}).get("Function", {})
    found, routes = [], routes_by_function(whole["Resources"])
    for logical_id, resource in whole["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = {**defaults, **resource["Properties"]}
        folder = path.parent / properties["CodeUri"]
        found.append(
            Function(
                logical_id=logical_id,
                name=folder.name,
                folder=folder,
                handler=properties["Handler"],
                timeout=properties["Timeout"],
                memory=properties["MemorySize"],
                layers=tuple(
                    layer["Ref"] for layer in [*_layers(defaults), *_layers(resource["Properties"])]
                ),
                environment={**_variables(defaults), **_variables(resource["Properties"])},
                routes=tuple((method, named_rest(route)) for method, route in routes.get(logical_id, ())),
            )
        )
    return found


def routes_by_function(resources: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """(method, path) of each route of the HTTP API, as the gateway calls it, by the function that it leads to."""
    found: dict[str, list[tuple[str, str]]] = {}
    for resource in resources.values():
        if resource["Type"] != "AWS::Serverless::HttpApi":
            continue
        for key, integration in routes_of(resource["Properties"]["DefinitionBody"]):
            method, _, path = key.rpartition(" ")
            found.setdefault(_led_to(integration["uri"]), []).append((method or "ANY", path))
    return found


def _led_to(uri: Mapping[str, str]) -> str:
    """The function that `!GetAtt GetChat.Arn` or `!Ref GetContact.Alias` names."""
    (named,) = uri.values()
    return named.rpartition(".")[0]


def named_rest(path: str) -> str:
    """A path as the API names it: the gateway calls the rest of any path `{proxy+}` (`web.request.Request.of`)."""
    return path.replace("/console/{proxy+}", "/console/{file}").replace("{proxy+}", "{ref}")


def _layers(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    layers: list[dict[str, str]] = properties.get("Layers", [])
    return layers


def _variables(properties: Mapping[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return variables


def _resolved(value: Any, known: Mapping[str, str]) -> str:
    if not isinstance(value, dict):
        return str(value)
    ((kind, argument),) = value.items()
    name = ".".join(argument) if isinstance(argument, list) else str(argument)
    return known.get(name, name) if kind in ("Ref", "Fn::GetAtt") else name
