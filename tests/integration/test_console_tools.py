"""What `make check` says of bad sources of the console: one mistake each. Needs Node.js."""

import shutil
from pathlib import Path

import pytest

from local.console import tools

MISTAKES = {
    'html`<p style="color: red">a</p>`': "style is no text",
    'html`<button onclick="go()">a</button>`': "onclick is no text",
    "html`<div><p>a</div>`": "this closes <p>",
    "html`<div>`": "<div> is not closed",
    "html`<p>Fish &amp; chips</p>`": "htm shows an entity as it stands",
    'html`<p title="&nbsp;">a</p>`': "htm shows an entity as it stands",
    "html`<${button}>a<//>`": "a component is called by a name with a capital",
    "html`<${Page} titel=${1}>a<//>`": "titel",
    "html`<${Page} title=${1}>a<//>`": "Type 'number' is not assignable to type 'string'",
    "html`<input colspan=2 />`": "Property 'colspan' does not exist",
    'html`<img src="data:," />`': "lint/a11y/useAltText",
    "html`<label>Name</label>`": "lint/a11y/noLabelWithoutControl",
    "html`<div onClick=${go}>a</div>`": "lint/a11y/useKeyWithClickEvents",
    'html`<p aria-lable="a">a</p>`': "lint/a11y/useValidAriaProps",
    'html`<ul>${["a"].map((a) => html`<li>${a}</li>`)}</ul>`': "useJsxKeyInIterable",
    'document.body.innerHTML = "a"': "What is shown is text",
    'document.body.insertAdjacentHTML("beforeend", "a")': "What is shown is text",
    'html`<p dangerouslySetInnerHTML=${{ __html: "a" }} />`': "what is shown is text",
    'eval("1")': "No text is run as code",
    'new Function("1")': "No text is run as code",
    'setTimeout("go()", 1)': "No text is run as code",
    "go(nothing)": "The nothing variable is undeclared",
    "go( 1 )": "Formatter would have printed",
    "go('a')": "Formatter would have printed",
}


@pytest.fixture(autouse=True)
def _needs_node() -> None:
    if shutil.which("node") is None or not (tools.NODE_MODULES / "@biomejs").is_dir():
        pytest.skip("needs Node.js and .venv/node: `make check` installs it")


def view(page: Path, *expressions: str) -> None:
    """A page with one view that has these expressions in it."""
    (page / "views").mkdir(parents=True)
    for folder in ("vendor", "elements"):
        shutil.copytree(tools.PAGE / folder, page / folder)
    for file in tools.PAGE.glob("*.js"):
        if file.name != "main.js":
            shutil.copy(file, page)
    lines = "\n".join(f"export const v{number} = () => {it};" for number, it in enumerate(expressions))
    (page / "views" / "view.js").write_text(
        f"""\
// @ts-check
import {{ Page }} from "../elements/page.js";
import {{ html }} from "../vendor/preact.js";

export const button = "button";
/** @param {{any}} [what] */
export const go = (what) => what;
export const frame = html`<${{Page}} title="a" />`;
{lines}
"""
    )


def test_good_sources_have_no_findings(tmp_path: Path) -> None:
    view(
        tmp_path,
        'html`<p class="a ${1}" tabindex="-1">a > b {c} & d</p>\n    <p>e</p>`',
        'html`<${Page} ...${{ title: "a" }}><input aria-label="a" /><!-- > --><//>`',
    )
    assert tools.findings(tmp_path) == []


def test_each_mistake_is_found_in_its_line(tmp_path: Path) -> None:
    view(tmp_path, *MISTAKES)
    source = (tmp_path / "views" / "view.js").read_text().splitlines()
    found = "\n".join(tools.findings(tmp_path))
    for mistake, words in MISTAKES.items():
        (line,) = [number for number, text in enumerate(source, 1) if text.endswith(f"=> {mistake};")]
        assert words in found, mistake
        if "Formatter" not in words:
            assert f"view.js:{line}:" in found or f"view.js({line}," in found, mistake
