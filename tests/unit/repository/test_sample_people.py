"""The invented people: files that read back, with the oddities that they promise."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from contacts.book.schemas import NewContact
from local.sample_people import (
    BROKEN_AT,
    BROKEN_EVERY,
    OPTED_OUT_EVERY,
    REPEATS_EVERY,
    contact,
    main,
    row,
    write,
)


def test_a_csv_reads_back_as_the_rows(tmp_path: Path) -> None:
    write(200, tmp_path / "people.csv")
    with (tmp_path / "people.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file, strict=True)) == [row(number) for number in range(200)]
    write(200, tmp_path / "people.tsv")
    with (tmp_path / "people.tsv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file, delimiter="\t")) == [row(number) for number in range(200)]


def test_ndjson_has_what_the_api_takes(tmp_path: Path) -> None:
    assert main(["1000", str(tmp_path / "people.ndjson.gz")]) == 0
    with gzip.open(tmp_path / "people.ndjson.gz", "rt", encoding="utf-8") as file:
        bodies = [json.loads(line) for line in file]
    assert bodies == [contact(number) for number in range(1000)]
    refused = [n for n, body in enumerate(bodies) if NewContact.draft(body).to_input().rejected]
    assert refused == [BROKEN_AT]


def test_some_come_twice_and_some_have_opted_out() -> None:
    rows = [row(number) for number in range(BROKEN_EVERY)]
    assert len({one["Customer ID"] for one in rows}) == BROKEN_EVERY - BROKEN_EVERY // REPEATS_EVERY
    assert sum(bool(one["Unsubscribed"]) for one in rows) == BROKEN_EVERY // OPTED_OUT_EVERY
    assert any("\n" in one["Notes"] for one in rows)


def test_a_name_that_says_no_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["1", str(tmp_path / "people.xls")])
