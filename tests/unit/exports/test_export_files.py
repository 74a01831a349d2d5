"""The calls of S3 that exports make mean what the code takes them for: held against moto's S3."""

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from contacts.core.errors import TemporarilyUnavailable
from contacts.exports.files import ExportFiles
from contacts.exports.model import Export, ExportFormat, ExportState
from contacts.exports.writing import PART_BYTES
from tests.support.app import ACCOUNT_ID

ID = "01941f29-7c00-7fff-8000-000000000007"
AT = "2026-01-15T10:30:00.000Z"
LEAST = 5 << 20


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="files")
        yield s3


@pytest.fixture
def files(client: Any) -> ExportFiles:
    return ExportFiles(lambda: client, "files", lambda: client)


def export(**values: Any) -> Export:
    return Export(id=ID, state=ExportState.RUNNING, format=ExportFormat.NDJSON, created_at=AT, **values)


def keys(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket="files").get("Contents", ())]


def test_parts_become_one_file(client: Any, files: ExportFiles) -> None:
    one = export()
    one = one.changed(upload_id=files.begin(ACCOUNT_ID, one))
    for content in (b"a" * LEAST, b"b"):
        one = one.changed(etags=(*one.etags, files.put_part(ACCOUNT_ID, one, content)))
    assert not files.is_there(ACCOUNT_ID, one)
    files.join(ACCOUNT_ID, one)
    assert files.is_there(ACCOUNT_ID, one)
    found = client.get_object(Bucket="files", Key=f"exports/{ACCOUNT_ID}/{ID}.ndjson")
    assert found["Body"].read() == b"a" * LEAST + b"b"
    assert found["ContentType"] == "application/x-ndjson"


def test_a_file_without_contacts_is_one_part_without_content(client: Any, files: ExportFiles) -> None:
    one = export()
    one = one.changed(upload_id=files.begin(ACCOUNT_ID, one))
    one = one.changed(etags=(files.put_part(ACCOUNT_ID, one, b""),))
    files.join(ACCOUNT_ID, one)
    assert client.get_object(Bucket="files", Key=f"exports/{ACCOUNT_ID}/{ID}.ndjson")["Body"].read() == b""


def test_no_file_comes_of_an_upload_that_was_given_up(client: Any, files: ExportFiles) -> None:
    one = export()
    one = one.changed(upload_id=files.begin(ACCOUNT_ID, one))
    one = one.changed(etags=(files.put_part(ACCOUNT_ID, one, b"x"),))
    files.abort(ACCOUNT_ID, one)
    files.abort(ACCOUNT_ID, one)
    # (S3 answers NoSuchUpload to whatever comes then, where moto fails: see ExportBucket.)
    assert keys(client) == []


def test_what_is_kept_between_parts_is_read_again_and_goes(client: Any, files: ExportFiles) -> None:
    one = export(run=3)
    assert files.rest(ACCOUNT_ID, one) == b""
    files.put_rest(ACCOUNT_ID, one, 1, b"rest")
    kept = one.changed(rest=1)
    assert files.rest(ACCOUNT_ID, kept) == b"rest"
    assert keys(client) == [f"exports/{ACCOUNT_ID}/{ID}-3.rest-1"]
    files.delete_rest(ACCOUNT_ID, kept)
    assert files.rest(ACCOUNT_ID, kept) is None


@pytest.mark.parametrize(("breaks", "is_read"), [(2, True), (3, False)])
def test_what_was_kept_is_read_again_where_the_connection_breaks(breaks: int, is_read: bool) -> None:
    class Body(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal breaks
            breaks -= 1
            if breaks >= 0:
                raise ReadTimeoutError(endpoint_url="https://files")
            return super().read(size)

    class Client:
        def get_object(self, **_: Any) -> dict[str, Any]:
            return {"Body": Body(b"rest")}

    files, kept = ExportFiles(Client, "files", Client), export(rest=1)
    if is_read:
        assert files.rest(ACCOUNT_ID, kept) == b"rest"
    else:
        with pytest.raises(TemporarilyUnavailable):
            files.rest(ACCOUNT_ID, kept)


def test_all_of_a_run_goes_and_nothing_of_another(client: Any, files: ExportFiles) -> None:
    first, second = export(), export(run=2, is_gzipped=True)
    for one in (first, second):
        begun = one.changed(upload_id=files.begin(ACCOUNT_ID, one))
        begun = begun.changed(etags=(files.put_part(ACCOUNT_ID, begun, gzip.compress(b"")),))
        files.join(ACCOUNT_ID, begun)
        files.put_rest(ACCOUNT_ID, one, 0, b"")
    files.delete(ACCOUNT_ID, first.changed(upload_id="gone"))
    assert keys(client) == [f"exports/{ACCOUNT_ID}/{ID}-2.{end}" for end in ("ndjson.gz", "rest-0")]


def test_a_url_names_the_file_and_lasts_five_minutes(files: ExportFiles) -> None:
    url = files.url(ACCOUNT_ID, export(is_gzipped=True))
    assert f"/exports/{ACCOUNT_ID}/{ID}.ndjson.gz?" in url
    assert "contacts-2026-01-15.ndjson.gz" in url
    assert "Expires" in url


def test_an_item_has_room_for_all_parts_that_s3_takes() -> None:
    """10,000 parts are 80 GB; their ETags have to fit an item of 400 KB."""
    assert PART_BYTES * 10_000 >= 80 * 10**9
    assert len(json.dumps(['"d41d8cd98f00b204e9800998ecf8427e"'] * 10_000)) < 420_000
