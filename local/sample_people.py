"""`python -m local.sample_people 100000 people.csv`: invented people, for whoever wants to try an import.

The n-th person is the same each time. One row in fifty repeats an earlier one, as in every file; one in a thousand
has an address that is none, one in forty has opted out. `.csv`, `.tsv` and `.ndjson`, each also with `.gz`.
"""

import argparse
import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Final

GIVEN: Final = (
    *(
        ("ada", "Ada"),
        ("jose", "José"),
        ("zoe", "Zoë"),
        ("lukasz", "Łukasz"),
        ("nguyen", "Nguyễn"),
        ("olena", "Олена"),
    ),
    *(("dmytro", "Дмитро"), ("athina", "Αθηνά"), ("sakura", "さくら"), ("ken", "健"), ("xiaoming", "小明")),
    *(
        ("minjun", "민준"),
        ("aditi", "अदिति"),
        ("fatima", "فاطمة"),
        ("noa", "נועה"),
        ("siriporn", "ศิริพร"),
        ("ani", "Անի"),
    ),
)
"""As in an address, and as it is written."""
FAMILY: Final = (
    *(
        ("obrien", "O'Brien"),
        ("mueller", "Müller-Lüdenscheidt"),
        ("nunez", "Núñez"),
        ("kovalenko", "Коваленко"),
    ),
    *(
        ("pappas", "Παππάς"),
        ("tanaka", "田中"),
        ("wang", "王"),
        ("kim", "김"),
        ("sharma", "शर्मा"),
        ("zahra", "الزهراء"),
    ),
    *(("cohen", "כהן"), ("oz", "Öz"), ("vanderberg", "van der Berg")),
)
COMPANIES: Final = (
    "Acme, Inc.",
    'Kaffeehaus "Zur Post"',
    "ТОВ «Світло»",
    "株式会社さくら",
    "Ærø & Søn",
    "=SUM GmbH",
)
CITIES: Final = ("Córdoba", "Київ", "東京", "Θεσσαλονίκη", "القاهرة", "New York", "Łódź")
LISTS: Final = ("newsletter", "product-updates", "events-2026")
TAGS: Final = ("vip", "trial", "展示会 2026", "Frühbucher")
COLUMNS: Final = (
    *(
        "Email",
        "Customer ID",
        "First name",
        "Last name",
        "Phone",
        "Tags",
        "Lists",
        "Unsubscribed",
        "City",
        "Company",
    ),
    *("Seats", "Notes"),
)

REPEATS_EVERY: Final = 50
BROKEN_EVERY: Final = 1000
BROKEN_AT: Final = 507
"""The first row that has no address. Its person comes once."""
OPTED_OUT_EVERY: Final = 40


def row(number: int) -> dict[str, str]:
    """The `number`th row, from 0 on, by column."""
    # The last of each fifty is the first of them once more.
    person = number - REPEATS_EVERY + 1 if number % REPEATS_EVERY == REPEATS_EVERY - 1 else number
    (given, first), (family, last) = GIVEN[person % len(GIVEN)], FAMILY[person // 3 % len(FAMILY)]
    at = " at " if number % BROKEN_EVERY == BROKEN_AT else "@"
    return {
        "Email": f"{given}.{family}.{person}{at}example.{('com', 'org', 'net')[person % 3]}",
        "Customer ID": f"{person:08}",
        "First name": first,
        "Last name": last,
        "Phone": f"+4930{person:08}" if person % 7 == 0 else "",
        "Tags": ";".join(tag for position, tag in enumerate(TAGS) if person % (position + 3) == 0),
        "Lists": LISTS[person % len(LISTS)],
        "Unsubscribed": "yes" if person % OPTED_OUT_EVERY == 1 else "",
        "City": CITIES[person % len(CITIES)],
        "Company": COMPANIES[person % len(COMPANIES)],
        "Seats": str(person % 40 + 1),
        "Notes": "met at the fair;\ncall again" if person % 11 == 0 else "",
    }


def contact(number: int) -> dict[str, Any]:
    """The same as the API takes it."""
    said = row(number)
    fields = {"email": said["Email"], "external_id": said["Customer ID"], "phone": said["Phone"]}
    fields |= {"first_name": said["First name"], "last_name": said["Last name"]}
    body: dict[str, Any] = {name: value for name, value in fields.items() if value}
    body |= {"tags": said["Tags"].split(";") if said["Tags"] else [], "lists": [said["Lists"]]}
    if said["Unsubscribed"]:
        body["is_unsubscribed"] = True
    custom = {
        "city": said["City"],
        "company": said["Company"],
        "seats": int(said["Seats"]),
        "notes": said["Notes"],
    }
    return body | {"custom_fields": {name: value for name, value in custom.items() if value != ""}}


def lines(numbers: Iterable[int], kind: str) -> Iterator[str]:
    """The rows as text, the header not included. `kind`: `csv`, `tsv` or `ndjson`."""
    if kind == "ndjson":
        for number in numbers:
            yield json.dumps(contact(number), ensure_ascii=False) + "\n"
        return
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if kind == "tsv" else ",")
    for number in numbers:
        text.seek(text.truncate(0))
        writer.writerow(row(number).values())
        yield text.getvalue()


def header(kind: str) -> str:
    """The first line; NDJSON has none."""
    return "" if kind == "ndjson" else ("\t" if kind == "tsv" else ",").join(COLUMNS) + "\r\n"


def write(count: int, path: Path) -> None:
    """Write so many rows into a file.

    Raises:
        ValueError: its name does not say which kind it is.
    """
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind not in ("csv", "tsv", "ndjson"):
        raise ValueError(f"{path} is neither .csv nor .tsv nor .ndjson")
    opener: Callable[..., AbstractContextManager[IO[str]]] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        file.write(header(kind))
        file.writelines(lines(range(count), kind))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m local.sample_people", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("count", type=int)
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    try:
        write(given.count, given.file)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
