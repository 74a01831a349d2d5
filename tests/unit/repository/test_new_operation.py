"""`make operation` writes an operation that the template, the routes and the gateway's sample event agree on."""

import json
import shutil
from pathlib import Path

import pytest

from local.errors import LocalStackError
from local.new_operation import ROUTING, operation, write
from local.stack import ROOT
from local.template import routes_by_function, template
from tests.unit.repository.test_template import placed_paths


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for file in (Path("template.yaml"), ROUTING, Path("events", "list_tags.json")):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, tmp_path / file)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "route", "feature", "paths"),
    [
        ("count_things", "GET /v1/things", "search", {("GET", "/v1/things"), ("HEAD", "/v1/things")}),
        (
            "drop_secret",
            "DELETE /v1/webhooks/{id}/secret",
            "webhooks",
            {("DELETE", "/v1/webhooks/{id}/secret")},
        ),
        ("drop_tags", "DELETE /v1/tags", "search", {("DELETE", "/v1/tags")}),
        ("count_changes", "GET /v1/changes", "projection", {("GET", "/v1/changes"), ("HEAD", "/v1/changes")}),
        ("show_logo", "POST /v1/logo", "docs", {("POST", "/v1/logo")}),
        (
            "check_contact",
            "POST /v1/contacts/{ref}/check",
            "email_validation",
            {("POST", "/v1/contacts/{ref}/check"), ("POST", "/api/v1/contacts/{ref}/check")},
        ),
    ],
)
def test_all_parts_of_it_are_there(
    name: str, route: str, feature: str, paths: set[tuple[str, str]], tree: Path
) -> None:
    write(tree, operation(tree, name, route, feature))
    logical_id = name.title().replace("_", "")
    resources = template(tree / "template.yaml")["Resources"]
    assert set(routes_by_function(resources)[logical_id]) == paths
    assert all(placed_paths((tree / "template.yaml").read_text(encoding="utf-8")).values())
    assert {f"{logical_id}Logs", f"{logical_id}Gateway"} <= resources.keys()
    assert {policy["Ref"] for policy in resources[logical_id]["Properties"]["Policies"]} <= resources.keys()
    path = route.partition(" ")[2]
    assert f'    "{path}": (' in (tree / ROUTING).read_text(encoding="utf-8")
    event = json.loads((tree / "events" / f"{name}.json").read_text(encoding="utf-8"))
    assert event["routeKey"] == route
    source = (tree / "functions" / name / "handler.py").read_text(encoding="utf-8")
    compile(source, name, "exec")
    assert f'@operation.on("{route}"' in source


def test_a_name_that_python_has_may_be_in_a_path(tree: Path) -> None:
    files = operation(tree, "count_list", "GET /v1/lists/{list}/count", "search")
    assert "noqa: A002" in files[Path("functions", "count_list", "handler.py")]


def test_a_further_method_of_a_path_joins_the_others(tree: Path) -> None:
    write(tree, operation(tree, "count_tags", "POST /v1/tags", "search"))
    assert '    "/v1/tags": ("GET", "POST"),\n' in (tree / ROUTING).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "route", "feature"),
    [
        ("count", "GET /v1/count", "search"),
        ("Count_Things", "GET /v1/count", "search"),
        ("count_things", "FETCH /v1/count", "search"),
        ("count_things", "GET /count", "search"),
        ("count_things", "GET /v1/count/", "search"),
        ("count_things", "GET /v1/count", "finding"),
        ("count_things", "GET /v1/count", "api"),
        ("count_things", "GET /v1/tags", "search"),
        ("count_things", "GET /v1/{class}", "search"),
        ("count_things", "GET /v1/{1st}", "search"),
        ("", "", ""),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    name: str, route: str, feature: str, tree: Path
) -> None:
    before = {file: file.read_bytes() for file in tree.rglob("*") if file.is_file()}
    with pytest.raises(LocalStackError):
        write(tree, operation(tree, name, route, feature))
    assert {file: file.read_bytes() for file in tree.rglob("*") if file.is_file()} == before


def test_what_is_there_already_is_left_alone(tree: Path) -> None:
    write(tree, operation(tree, "count_things", "GET /v1/things", "search"))
    with pytest.raises(LocalStackError, match="is there already"):
        write(tree, operation(tree, "count_things", "GET /v1/others", "search"))
