"""Files of contacts: in with a look before, what failed as a file, taken back; and out."""

import csv
import io
from typing import TYPE_CHECKING

from tests.support.accounts import Account
from tests.support.console import Console, Consoles, expect
from tests.support.steps.imports import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

MS = PATIENCE * 1000
PEOPLE = "Email,First name,Company\nada@example.com,Ada,Acme\nno address,Nobody,Acme\ngrace@example.com,Grace,Acme\n"


def sent(
    consoles: Consoles, account: Account, name: str, data: bytes, console: Console | None = None
) -> "Page":
    """The page after somebody has asked for a check of a file."""
    console = console or consoles.open(account.api.key, "/imports/new")
    console.settled()
    page = console.page
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
    page.get_by_role("button", name="Check the file").click()
    return page


def test_a_file_is_looked_at_imported_mended_and_taken_back(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/imports/new")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Check the file").click()
    assert console.axe() == [], "nothing is chosen, and that is said"
    page.locator("input[type=file]").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}
    )
    page.get_by_role("button", name="Check the file").click()
    start = page.get_by_role("button", name="Import 3 rows").first
    expect(start).to_be_visible(timeout=MS)
    assert console.axe() == []
    assert account.api.get("/v1/contacts").json()["data"] == [], "a look writes nothing"
    # From here on without a mouse.
    console.tab_to("button", "Import 3 rows")
    page.keyboard.press("Enter")
    expect(page.get_by_text("some rows failed").first).to_be_visible(timeout=MS)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert account.api.contact("ada@example.com")["custom_fields"] == {"company": "Acme"}
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the rows that failed").or_(
            page.get_by_role("link", name="Download the rows that failed")
        ).first.click()
    failed = download.value.path().read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(failed))
    assert (row["First name"], row["import_field"]) == ("Nobody", "email")
    page.reload()
    console.settled()
    console.tab_to("button", "Undo the import")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert console.axe() == []
    console.tab_to("button", "Undo the import")
    page.keyboard.press("Enter")
    expect(page.get_by_text("undone", exact=True)).to_be_visible(timeout=MS)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    assert account.api.get("/v1/contacts").json()["data"] == []


def test_a_column_is_read_otherwise_and_the_file_is_checked_again(
    consoles: Consoles, account: Account
) -> None:
    page = sent(consoles, account, "kunden.csv", "Kontakt;Name\r\nada@example.com;Ä. L.\r\n".encode("cp1252"))
    expect(page.get_by_text("No column is read as an email")).to_be_visible(timeout=MS)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("alert").filter(has_text="leads no column to email")).to_be_visible(timeout=MS)
    page.get_by_label("Read Kontakt as").select_option("email")
    page.get_by_label("Read Name as").select_option("email")
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_text("and so is the column Kontakt")).to_be_visible(timeout=MS)
    page.get_by_label("Read Name as").select_option(label="Another custom field …")
    page.get_by_label("Field for Name").fill("custom_fields.label")
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible(timeout=MS)
    expect(page.get_by_role("row").filter(has_text="Kontakt")).to_contain_text("ada@example.com")
    expect(page.get_by_role("row").filter(has_text="Read Name as")).to_contain_text("Ä. L.")
    states = [one["state"] for one in account.api.get("/v1/imports").json()["data"]]
    assert states == ["ready", "cancelled"], "the file that was checked before is given up"


def test_an_upload_that_breaks_off_is_tried_again(consoles: Consoles, account: Account) -> None:
    console = consoles.open(account.api.key, "/imports/new")
    answers = iter(("broken", "refused"))

    def bucket(route: "Route") -> None:
        match next(answers, None) if route.request.method == "PUT" else None:
            case "broken":
                route.abort()
            case "refused":
                said = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
                route.fulfill(status=403, body=said, headers={"Access-Control-Allow-Origin": "*"})
            case _:
                route.continue_()

    console.page.route("**/uploads/**", bucket)
    page = sent(consoles, account, "people.csv", PEOPLE.encode(), console)
    # It broke off first.
    expect(page.get_by_text("Request has expired")).to_be_visible(timeout=MS)
    assert console.axe() == []
    # Somebody else may send it, too, but only that file.
    page.reload()
    other = {"name": "other.csv", "mimeType": "text/csv", "buffer": b"Email\n"}
    page.get_by_label("Drop the file here").set_input_files(other)
    page.get_by_role("button", name="Send the file").click()
    expect(page.get_by_text(f"This file has 6 bytes, and {len(PEOPLE)} were announced")).to_be_visible()
    page.get_by_label("Drop the file here").set_input_files({**other, "buffer": PEOPLE.encode()})
    page.get_by_role("button", name="Send the file").click()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible(timeout=MS)


def test_what_cannot_be_imported_is_said_before_it_is_sent(consoles: Consoles, account: Account) -> None:
    page = sent(consoles, account, "empty.csv", b"")
    expect(page.get_by_text("This file is empty.")).to_be_visible()
    assert account.api.get("/v1/imports").json()["data"] == []
    reads = account.key(name="Reads", scopes=["account:read", "contacts:read", "imports:read"])
    console = consoles.open(reads["key"], "/imports/new")
    expect(console.page.get_by_text("This key may not import")).to_be_visible()
    console.show("/imports")
    expect(console.page.get_by_role("link", name="Import a file")).to_have_count(0)


def test_a_file_of_500_columns_is_mapped_without_looking_for_long(
    consoles: Consoles, account: Account
) -> None:
    columns = ["Email", "constructor", *(f"Column {number}" for number in range(2, 500))]
    rows = f"{','.join(columns)}\nada@example.com,{','.join('x' * 499)}\n"
    page = sent(consoles, account, "wide.csv", rows.encode())
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible(timeout=MS)
    expect(page.get_by_text("500 columns of 500")).to_be_visible()
    assert page.locator("tbody select").count() < 100, "a list of fields for each column would be slow"
    page.get_by_label("Find a column").fill("column 437")
    page.get_by_label("Read Column 437 as").select_option("Left out")
    page.get_by_role("button", name="Import 1 row").first.click()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible(timeout=MS)
    fields = account.api.contact("ada@example.com")["custom_fields"]
    assert "column_436" in fields
    assert "column_437" not in fields


def test_contacts_go_out_as_a_file(consoles: Consoles, account: Account) -> None:
    account.api.created(email="ada@example.com")
    console = consoles.open(account.api.key, "/exports")
    console.settled()
    page = console.page
    page.get_by_role("button", name="Export contacts").first.click()
    assert console.axe() == []
    page.get_by_role("dialog").get_by_role("button", name="Export", exact=True).click()
    button = page.get_by_role("button", name="Download")
    expect(button).to_be_visible(timeout=MS)
    with page.expect_download() as download:
        button.click()
    assert "ada@example.com" in download.value.path().read_text(encoding="utf-8-sig")
