"""The files of imports: what is written is read again, on a bucket in memory and on moto's."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.spreadsheets import escaped, unescaped
from contacts.imports.files import ImportFiles, ids_in
from contacts.imports.model import ERROR_COLUMNS, FileFormat, FileReplaced, PartMissing, Row, RowError
from contacts.table.aws import presigning_client
from tests.support.bucket import FakeBucket
from tests.support.fakes import FakeClock
from tests.support.hypothesis_profiles import examples

ACCOUNT = "01941f29-0000-7000-8000-00000000000a"
IMPORT = "01941f29-7c00-7aaa-8000-000000000001"
WHERE = (ACCOUNT, IMPORT)
UPLOAD = f"uploads/{ACCOUNT}/{IMPORT}"
BUCKET = "files"


def files_on(client: Any) -> ImportFiles:
    return ImportFiles(lambda: client, BUCKET, lambda: client, FakeClock())


@pytest.fixture(params=["memory", "moto"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if request.param == "memory":
        yield FakeBucket(page=2)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = botocore.session.get_session().create_client("s3", region_name="us-east-1")
        made.create_bucket(Bucket=BUCKET)
        yield made


def test_an_upload_is_read_as_long_as_it_is_the_same(client: Any) -> None:
    files = files_on(client)
    etag = client.put_object(Bucket=BUCKET, Key=UPLOAD, Body=b"email\na@x.test\n")["ETag"].strip('"')
    source = files.source(*WHERE, etag, 15)
    assert (source.read(0, 5), source.read(6, 100), source.read(15, 5)) == (b"email", b"a@x.test\n", b"")
    client.put_object(Bucket=BUCKET, Key=UPLOAD, Body=b"email\nb@x.test\n")
    with pytest.raises(FileReplaced):
        source.read(0, 5)
    assert files.uploaded(*WHERE) == (client.head_object(Bucket=BUCKET, Key=UPLOAD)["ETag"].strip('"'), 15)
    files.delete_upload(*WHERE)
    files.delete_upload(*WHERE)
    assert files.uploaded(*WHERE) is None
    with pytest.raises(FileReplaced):
        source.read(0, 5)


ROWS = [
    Row(2, ("a@x.test", "=1+1", "zwei\nZeilen")),
    Row(4, ("",)),
    Row(5, ("a", "b", "c", "d"), RowError(None, "has 4 cells; there are 3 columns")),
    Row(6, {"email": "ü@x.test", "n": 1, "big": 12345678901234567890123, "deep": [{"x": None}]}),
    Row(7, {"half": "\ud800", "slash": "\\", "line": "\u2028"}, RowError("half", "is no text")),
]


def test_a_part_gives_the_rows_that_were_put(client: Any) -> None:
    files = files_on(client)
    for part in (1, 2, 3):
        files.put_part(*WHERE, part, ROWS)
    assert files.part(*WHERE, 2) == ROWS
    first = client.get_object(Bucket=BUCKET, Key=f"parts/{ACCOUNT}/{IMPORT}/0/000001")["Body"].read()
    files.put_part(*WHERE, 1, ROWS)
    assert client.get_object(Bucket=BUCKET, Key=f"parts/{ACCOUNT}/{IMPORT}/0/000001")["Body"].read() == first
    files.put_part(*WHERE, 1, ROWS[:1], "5d41")
    assert (files.part(*WHERE, 1), files.part(*WHERE, 1, "5d41")) == (ROWS, ROWS[:1])
    files.delete_parts(*WHERE)
    files.delete_parts(*WHERE)
    with pytest.raises(PartMissing):
        files.part(*WHERE, 1)


def test_the_error_file_has_all_rows_in_order_and_can_be_sent_again(client: Any) -> None:
    files = files_on(client)
    wrong = [RowError("email", "is no email"), RowError(None, "is lost")]
    sheet = ("Email", "Score", "import_line"), FileFormat.XLSX
    files.put_errors(*WHERE, 10, [(Row(9_002, ("x", "-5", "z")), wrong)], *sheet)
    files.put_errors(*WHERE, 2, [(ROWS[0], wrong[:1]), (ROWS[2], [RowError(None, "too wide")])], *sheet)
    files.put_errors(*WHERE, 3, [], *sheet)
    files.join_errors(*WHERE, *sheet)
    assert files.has_errors(*WHERE, FileFormat.CSV)
    assert not files.has_errors(*WHERE, FileFormat.NDJSON)
    # The message comes again while they are deleted, and when they are: nothing is lost.
    client.delete_object(Bucket=BUCKET, Key=f"errors/{ACCOUNT}/{IMPORT}/parts/000002")
    files.join_errors(*WHERE, *sheet)
    files.delete_error_parts(*WHERE)
    files.join_errors(*WHERE, *sheet)
    text = client.get_object(Bucket=BUCKET, Key=f"errors/{ACCOUNT}/{IMPORT}/errors.csv")["Body"].read()
    assert list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""))) == [
        ["import_line", "import_field", "import_reason", "Email", "Score"],
        ["2", "email", "is no email", "a@x.test", "'=1+1"],
        ["5", "", "too wide", "a", "b", "d"],
        ["9002", "email", "is no email; is lost", "x", "'-5"],
    ]


def test_a_line_that_cannot_be_read_is_kept_in_the_error_file_of_an_error_file() -> None:
    bucket = FakeBucket()
    files = files_on(bucket)
    line = Row(2, ('5,,"is no email",a"b"@x.test,1',), RowError(None, "a quote"))
    same = [RowError("email", "needs one"), RowError("external_id", "needs one")]
    sheet = (*ERROR_COLUMNS, "Email", "Score"), FileFormat.CSV
    rows = [(line, [RowError(None, "a quote")]), (Row(3, ("6", "", "no", "", "2")), same)]
    files.put_errors(*WHERE, 1, rows, *sheet)
    files.join_errors(*WHERE, *sheet)
    text = bucket.objects[f"errors/{ACCOUNT}/{IMPORT}/errors.csv"].decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        [*ERROR_COLUMNS, "Email", "Score"],
        ["2", "", "a quote", line.cells[0]],  # type: ignore[index]
        ["3", "email; external_id", "needs one", "", "2"],
    ]


def test_the_error_file_of_objects_has_objects() -> None:
    bucket = FakeBucket()
    files = files_on(bucket)
    bad = [(ROWS[4], [RowError("half", "no text")]), (Row(8, ("{oops",)), [RowError(None, "is no JSON")])]
    objects = ("email",), FileFormat.JSON
    first = Row(1, {"email": "=x", "import_line": 7}), [RowError("email", "no")]
    files.put_errors(*WHERE, 1, [first, *bad], *objects)
    files.join_errors(*WHERE, *objects)
    lines = bucket.objects[f"errors/{ACCOUNT}/{IMPORT}/errors.ndjson"].decode().split("\n")[:-1]
    assert list(map(json.loads, lines)) == [
        {"email": "=x", "import_line": 1, "import_field": "email", "import_reason": "no"},
        {**ROWS[4].cells, "import_line": 7, "import_field": "half", "import_reason": "no text"},  # type: ignore[dict-item]
        {"import_text": "{oops", "import_line": 8, "import_field": "", "import_reason": "is no JSON"},
    ]


def test_a_long_error_file_is_put_in_pieces() -> None:
    bucket = FakeBucket()
    files = files_on(bucket)
    for part in range(1, 12):
        rows = [(Row(part, ("x" * 1024 * 1024,)), [RowError(None, "no")])] * 2
        files.put_errors(*WHERE, part, rows, ("a",), FileFormat.CSV)
    files.join_errors(*WHERE, ("a",), FileFormat.CSV)
    assert bucket.objects[f"errors/{ACCOUNT}/{IMPORT}/errors.csv"].count(b"\r\n") == 23
    assert not bucket.uploads


@pytest.mark.parametrize("rows", [1, 11], ids=["in one put", "in pieces"])
@pytest.mark.parametrize("gone", ["before it is fetched", "after it was"])
def test_no_error_file_is_made_of_what_is_left_when_parts_are_deleted_meanwhile(gone: str, rows: int) -> None:
    """By somebody else who has joined them, or by an erasure: of the person, nothing may be kept."""
    bucket = FakeBucket()
    files = files_on(bucket)
    for part in (1, 2, 3):
        row = Row(part, (f"p{part}@x.test", "x" * 1024 * 1024))
        files.put_errors(*WHERE, part, [(row, [RowError(None, "no")])] * rows, ("a", "b"), FileFormat.CSV)
    erased = f"errors/{ACCOUNT}/{IMPORT}/parts/000002"
    get_object = bucket.get_object

    def get(**request: Any) -> Any:
        if request["Key"] == erased and gone == "before it is fetched":
            del bucket.objects[erased]
        answer = get_object(**request)
        if request["Key"] == erased:
            del bucket.objects[erased]
        return answer

    bucket.get_object = get  # type: ignore[method-assign]
    with pytest.raises(TemporarilyUnavailable):
        files.join_errors(*WHERE, ("a", "b"), FileFormat.CSV)
    assert not bucket.uploads
    assert not files.has_errors(*WHERE, FileFormat.CSV)
    bucket.get_object = get_object  # type: ignore[method-assign]
    files.join_errors(*WHERE, ("a", "b"), FileFormat.CSV)
    text = bucket.objects[f"errors/{ACCOUNT}/{IMPORT}/errors.csv"]
    assert (text.count(b"p1@x.test"), text.count(b"p2@x.test"), text.count(b"p3@x.test")) == (rows, 0, rows)


def test_a_preview_is_read_again_and_may_be_missing(client: Any) -> None:
    files = files_on(client)
    assert files.preview(*WHERE) is None
    preview = {"contacts": [{"email": "a@x.test", "custom_fields": {"n": 1}}], "errors": []}
    files.put_preview(*WHERE, preview)
    assert files.preview(*WHERE) == preview
    files.delete_preview(*WHERE)
    assert files.preview(*WHERE) is None


class Breaking:
    def __init__(self, content: bytes | None) -> None:
        self.content = content

    def read(self) -> bytes:
        if self.content is None:
            raise ReadTimeoutError(endpoint_url="https://files")
        return self.content


@pytest.mark.parametrize(("breaks", "is_read"), [(0, True), (2, True), (3, False)])
def test_a_connection_that_breaks_is_made_again(breaks: int, is_read: bool) -> None:
    bodies = iter([Breaking(None)] * breaks + [Breaking(b"{}")])
    bucket = FakeBucket()
    bucket.get_object = lambda **_: {"Body": next(bodies)}  # type: ignore[method-assign]
    files = files_on(bucket)
    if is_read:
        assert files.preview(*WHERE) == {}
    else:
        with pytest.raises(TemporarilyUnavailable):
            files.preview(*WHERE)


@pytest.mark.parametrize(
    ("region", "endpoint", "address"),
    [
        ("eu-central-1", None, f"https://files.s3.eu-central-1.amazonaws.com/{UPLOAD}"),
        ("us-east-1", None, f"https://files.s3.us-east-1.amazonaws.com/{UPLOAD}"),
        ("us-east-1", "http://127.0.0.1:4566", f"http://127.0.0.1:4566/files/{UPLOAD}"),
    ],
)
def test_an_upload_is_signed_with_its_length(
    monkeypatch: pytest.MonkeyPatch, region: str, endpoint: str | None, address: str
) -> None:
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "DEFAULT_REGION": region}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    signing = presigning_client(endpoint, is_local=endpoint is not None)
    upload = files_on(signing).presigned_upload(*WHERE, 12)
    url = urlsplit(upload["url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == address
    query = parse_qs(url.query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert query["X-Amz-Expires"] == ["3600"]
    assert not any("checksum" in name.lower() for name in query)
    assert (upload["method"], upload["headers"]) == ("PUT", {"Content-Length": "12"})


def test_the_url_of_an_error_file_names_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ACCESS_KEY_ID": "k",
        "SECRET_ACCESS_KEY": "s",
        "DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    files = files_on(presigning_client(None, is_local=False))
    url, expires_at = files.presigned_errors(*WHERE, 'Kunden "neu".csv.gz', FileFormat.CSV)
    query = parse_qs(urlsplit(url).query)
    assert query["response-content-disposition"] == ['attachment; filename="Kunden--neu--errors.csv"']
    assert query["X-Amz-Expires"] == ["300"]
    assert expires_at > "2026"


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        (UPLOAD, WHERE),
        (UPLOAD.replace("/", "%2F"), WHERE),
        (f"uploads/{ACCOUNT}", None),
        (f"{UPLOAD}/more", None),
        (f"uploads/{ACCOUNT}/x", None),
        (f"errors/{ACCOUNT}/{IMPORT}", None),
        ("", None),
    ],
)
def test_the_key_of_an_upload_tells_whose_it_is(key: str, ids: tuple[str, str] | None) -> None:
    assert ids_in(key) == ids


@settings(max_examples=examples(300))
@given(st.text(st.sampled_from("'=+-@\t\ra1 ")))
def test_no_cell_is_a_formula_and_each_is_itself_again(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))
