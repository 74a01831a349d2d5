"""Files of contacts: in with a look before, what failed as a file, taken back; and out."""

import csv
import io

from tests.support.accounts import Account
from tests.support.console import Consoles, expect
from tests.support.steps.imports import PATIENCE

MS = PATIENCE * 1000
PEOPLE = "Email,First name,Company\nada@example.com,Ada,Acme\nno address,Nobody,Acme\ngrace@example.com,Grace,Acme\n"


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
    start.click()
    expect(page.get_by_text("completed, some rows failed").first).to_be_visible(timeout=MS)
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
    page.get_by_role("button", name="Undo the import").click()
    assert console.axe() == []
    page.get_by_role("dialog").get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("undone").first).to_be_visible(timeout=MS)
    assert account.api.get("/v1/contacts").json()["data"] == []


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
