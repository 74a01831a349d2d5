"""The files of imports in a bucket of S3: uploads, the parts that they are cut into, error files and previews.

    uploads/<account>/<import>                 as the client has put it
    parts/<account>/<import>/<etag>/<n>        rows, as gzipped NDJSON: [line, cells] or [line, cells, field, reason]
    errors/<account>/<import>/parts/<n>        rows that failed, with what is wrong with each
    errors/<account>/<import>/errors.csv       all of them (`errors.ndjson` where the file has objects)
    previews/<account>/<import>.json           what a dry run found

Each object is written whole, and writing it twice is writing it once.
"""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import is_uuid
from contacts.core.json import from_json, to_json
from contacts.core.spreadsheets import escaped
from contacts.core.threads import side_by_side
from contacts.core.time import Clock, iso
from contacts.imports.model import FileFormat, FileReplaced, PartMissing, Row, RowError, UploadOut
from contacts.table.aws import called

UPLOAD_URL_SECONDS: Final = 3600
"""How long the URL for an upload is good. (A transfer that has begun may take longer.)"""
DOWNLOAD_URL_SECONDS: Final = 300
ERROR_COLUMNS: Final = ("import_line", "import_field", "import_reason")
"""The columns that error files have besides those of the file. An import ignores them, so a mended file can be sent."""
_TRIES: Final = 3
"""How often the bytes of an object are read when the connection breaks amid them."""
_AT_ONCE: Final = 8
"""Objects that are read at a time."""
_DELETED_AT_ONCE: Final = 1000
"""Objects of one DeleteObjects."""
_MULTIPART_BYTES: Final = 8 << 20
"""Bytes of each part of a multipart upload. S3 wants 5 MB at least, and takes 10,000 parts: 80 GB."""
_BROKEN: Final = (HTTPClientError, IncompleteReadError, ResponseStreamingError)
"""What botocore raises where a body ends before its end."""
_GONE: Final = frozenset({"NoSuchKey", "404"})
_REPLACED: Final = frozenset({"PreconditionFailed", "412"})
_SPREADSHEETS: Final = frozenset({FileFormat.CSV, FileFormat.TSV, FileFormat.XLSX})


def ids_in(key: str) -> tuple[str, str] | None:
    """The account and the import that an object's key in a notification of S3 belongs to; None: it is no upload."""
    kind, *ids = unquote_plus(key).split("/")
    if kind != "uploads" or len(ids) != 2 or not all(map(is_uuid, ids)):
        return None
    return ids[0], ids[1]


class Upload:
    """`imports.reading.ByteSource`: the bytes of an upload, as long as it is the one that an ETag names."""

    def __init__(self, client: Any, bucket: str, key: str, etag: str, size: int) -> None:
        self.size = size
        self._client = client
        self._object = {"Bucket": bucket, "Key": key, "IfMatch": f'"{etag}"'}

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; none behind the end. One GetObject.

        Raises:
            FileReplaced: the object is another one now, or gone.
            TemporarilyUnavailable.
        """
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        try:
            return _bytes(self._client, **self._object, Range=f"bytes={offset}-{offset + length - 1}")
        except ClientError as error:
            if _code(error) in _GONE | _REPLACED:
                raise FileReplaced from None
            raise


class ImportFiles:
    """The files of imports in a bucket."""

    def __init__(
        self, client: Callable[[], Any], bucket: str, presigning: Callable[[], Any], clock: Clock
    ) -> None:
        """`client`, `presigning`: return botocore's S3 clients, which are made when they are first needed.

        The second one signs URLs (`table.aws.presigning_client`), and makes no call.
        """
        self._client = client
        self._bucket = bucket
        self._presigning = presigning
        self._clock = clock

    # Uploads

    def presigned_upload(self, account_id: str, import_id: str, size: int) -> UploadOut:
        """Where a file of exactly `size` bytes is to be put, for an hour. No call: the URL is signed here."""
        url = self._signed(
            "put_object", UPLOAD_URL_SECONDS, Key=_upload(account_id, import_id), ContentLength=size
        )
        return {
            "method": "PUT",
            "url": url,
            "headers": {"Content-Length": str(size)},
            "expires_at": self._expiry(UPLOAD_URL_SECONDS),
        }

    def source(self, account_id: str, import_id: str, etag: str, size: int) -> Upload:
        """The bytes of an upload."""
        return Upload(self._client(), self._bucket, _upload(account_id, import_id), etag, size)

    def uploaded(self, account_id: str, import_id: str) -> tuple[str, int] | None:
        """The ETag and the bytes of the upload; None: there is none. One HeadObject.

        Raises:
            TemporarilyUnavailable.
        """
        found = self._head(_upload(account_id, import_id))
        return None if found is None else (found["ETag"].strip('"'), int(found["ContentLength"]))

    def delete_upload(self, account_id: str, import_id: str) -> None:
        """Delete the upload, if there is one.

        Raises:
            TemporarilyUnavailable.
        """
        self._call("delete_object", Key=_upload(account_id, import_id))

    # Parts

    def put_part(
        self, account_id: str, import_id: str, part: int, rows: Iterable[Row], etag: str | None = None
    ) -> None:
        """Write the rows of a part; the first part is 1. The same rows make the same bytes.

        `etag`: of the upload. So whoever still cuts an upload that was replaced writes no part of the other one.

        Raises:
            TemporarilyUnavailable.
        """
        self._put(_part(account_id, import_id, part, etag), _packed(map(_row_out, rows)))

    def part(self, account_id: str, import_id: str, part: int, etag: str | None = None) -> list[Row]:
        """The rows of a part. `etag`: as of `put_part`.

        Raises:
            PartMissing: there is no such part; if the import has ended, its parts are deleted.
            TemporarilyUnavailable.
        """
        packed = self._get(_part(account_id, import_id, part, etag))
        if packed is None:
            raise PartMissing
        return [_row_from(entry) for entry in _unpacked(packed)]

    def delete_parts(self, account_id: str, import_id: str) -> None:
        """Delete all parts.

        Raises:
            TemporarilyUnavailable: some may be deleted.
        """
        self._delete_under(_parts(account_id, import_id))

    # Error files

    def put_errors(
        self,
        account_id: str,
        import_id: str,
        part: int,
        rows: Sequence[tuple[Row, Sequence[RowError]]],
    ) -> None:
        """Write the rows of a part that failed, with what is wrong with each. Where none did, nothing is written.

        Raises:
            TemporarilyUnavailable.
        """
        if rows:
            entries = ([row.line, row.cells, [list(error) for error in errors]] for row, errors in rows)
            self._put(_error_part(account_id, import_id, part), _packed(entries))

    def join_errors(
        self, account_id: str, import_id: str, columns: Sequence[str], file_format: FileFormat
    ) -> None:
        """Write one file of all rows that failed, in their order. Where none is left, nothing is written.

        Nor where the file is there: then some of what it was made of may be deleted already, and it is not made again
        of the rest.

        Raises:
            TemporarilyUnavailable.
        """
        parts = sorted(self._keys(_error_parts(account_id, import_id)))
        if parts and not self.has_errors(account_id, import_id, file_format):
            render = _csv_lines if file_format in _SPREADSHEETS else _ndjson_lines
            pieces = render(columns, self._entries_of(parts))
            self._put_stream(_errors(account_id, import_id, file_format), pieces)

    def presigned_errors(
        self, account_id: str, import_id: str, file_name: str, file_format: FileFormat
    ) -> tuple[str, str]:
        """The URL of the error file for 5 minutes, and when it expires. `file_name`: of the import's file.

        No call: whether the file is there has to be known.
        """
        suffix = _errors_suffix(file_format)
        url = self._signed(
            "get_object",
            DOWNLOAD_URL_SECONDS,
            Key=_errors(account_id, import_id, file_format),
            ResponseContentDisposition=f'attachment; filename="{_plain(file_name)}-errors.{suffix}"',
        )
        return url, self._expiry(DOWNLOAD_URL_SECONDS)

    def has_errors(self, account_id: str, import_id: str, file_format: FileFormat) -> bool:
        """Whether there is an error file: `join_errors` has written it, and it is not deleted. One HeadObject.

        Raises:
            TemporarilyUnavailable.
        """
        return self._head(_errors(account_id, import_id, file_format)) is not None

    def delete_error_parts(self, account_id: str, import_id: str) -> None:
        """Delete what `put_errors` has written; the joined file stays.

        Raises:
            TemporarilyUnavailable: some may be deleted.
        """
        self._delete_under(_error_parts(account_id, import_id))

    # Previews

    def put_preview(self, account_id: str, import_id: str, preview: Mapping[str, Any]) -> None:
        """Write what a dry run found.

        Raises:
            TemporarilyUnavailable.
        """
        self._put(_preview(account_id, import_id), to_json(preview).encode("utf-8", "backslashreplace"))

    def preview(self, account_id: str, import_id: str) -> dict[str, Any] | None:
        """What a dry run found; None: there is no such file.

        Raises:
            TemporarilyUnavailable.
        """
        text = self._get(_preview(account_id, import_id))
        found: dict[str, Any] | None = None if text is None else from_json(text.decode())
        return found

    def delete_preview(self, account_id: str, import_id: str) -> None:
        """Delete what a dry run found.

        Raises:
            TemporarilyUnavailable.
        """
        self._call("delete_object", Key=_preview(account_id, import_id))

    def _signed(self, operation: str, seconds: int, **request: Any) -> str:
        url: str = self._presigning().generate_presigned_url(
            operation, Params={"Bucket": self._bucket, **request}, ExpiresIn=seconds
        )
        return url

    def _expiry(self, seconds: int) -> str:
        return iso(self._clock.now_ms() // 1000 * 1000 + seconds * 1000)

    def _get(self, key: str) -> bytes | None:
        try:
            return _bytes(self._client(), Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            return self._call("head_object", Key=key)
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise

    def _put(self, key: str, body: bytes) -> None:
        self._call("put_object", Key=key, Body=body)

    def _put_stream(self, key: str, pieces: Iterable[bytes]) -> None:
        """Write an object of any size, at most 8 MB of which are in memory."""
        chunks = _chunks(pieces, _MULTIPART_BYTES)
        first, second = next(chunks, b""), next(chunks, None)
        if second is None:
            self._put(key, first)
            return
        upload_id = self._call("create_multipart_upload", Key=key)["UploadId"]
        upload = {"Key": key, "UploadId": upload_id}
        try:
            done = []
            for number, chunk in enumerate(_all_of((first, second), chunks), 1):
                answer = self._call("upload_part", **upload, PartNumber=number, Body=chunk)
                done.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._call("complete_multipart_upload", **upload, MultipartUpload={"Parts": done})
        except BaseException:
            # Killed before this, the parts are deleted by a lifecycle rule of the bucket.
            self._call("abort_multipart_upload", **upload)
            raise

    def _entries_of(self, keys: Sequence[str]) -> Iterator[list[Any]]:
        """The entries of error parts, a few of which are fetched at a time."""
        self._client()  # Made here, where there is one thread.
        for start in range(0, len(keys), _AT_ONCE):
            for packed in side_by_side(self._get, keys[start : start + _AT_ONCE], _AT_ONCE):
                if packed is not None:
                    yield from _unpacked(packed)

    def _delete_under(self, prefix: str) -> None:
        keys = list(self._keys(prefix))
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                raise TemporarilyUnavailable

    def _keys(self, prefix: str) -> Iterator[str]:
        request: dict[str, Any] = {"Prefix": prefix}
        while True:
            page = self._call("list_objects_v2", **request)
            yield from (one["Key"] for one in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _call(self, method: str, **request: Any) -> dict[str, Any]:
        return called(self._client(), method, Bucket=self._bucket, **request)


def _upload(account_id: str, import_id: str) -> str:
    return f"uploads/{account_id}/{import_id}"


def _parts(account_id: str, import_id: str) -> str:
    return f"parts/{account_id}/{import_id}/"


def _part(account_id: str, import_id: str, part: int, etag: str | None) -> str:
    return f"{_parts(account_id, import_id)}{etag or '0'}/{part:06}"


def _error_parts(account_id: str, import_id: str) -> str:
    return f"errors/{account_id}/{import_id}/parts/"


def _error_part(account_id: str, import_id: str, part: int) -> str:
    return f"{_error_parts(account_id, import_id)}{part:06}"


def _errors(account_id: str, import_id: str, file_format: FileFormat) -> str:
    return f"errors/{account_id}/{import_id}/errors.{_errors_suffix(file_format)}"


def _errors_suffix(file_format: FileFormat) -> str:
    return "csv" if file_format in _SPREADSHEETS else "ndjson"


def _preview(account_id: str, import_id: str) -> str:
    return f"previews/{account_id}/{import_id}.json"


def _plain(file_name: str) -> str:
    """A file's name without its endings, in characters that a header can hold."""
    stem = file_name.partition(".")[0]
    return "".join(one if one.isascii() and one.isalnum() else "-" for one in stem)[:100] or "import"


def _bytes(client: Any, **request: Any) -> bytes:
    """The bytes of an object; read again where the connection breaks amid them."""
    for _ in range(_TRIES):
        answer = called(client, "get_object", **request)
        try:
            content: bytes = answer["Body"].read()
            return content
        except _BROKEN:
            continue
    raise TemporarilyUnavailable


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def _row_out(row: Row) -> list[Any]:
    return [row.line, row.cells, *(row.error or ())]


def _row_from(entry: Sequence[Any]) -> Row:
    line, cells, *error = entry
    return Row(line, tuple(cells) if isinstance(cells, list) else cells, RowError(*error) if error else None)


def _packed(entries: Iterable[object]) -> bytes:
    """Entries as gzipped NDJSON. Half of a surrogate pair, which UTF-8 cannot hold, stays an escape of JSON."""
    lines = "".join(f"{to_json(entry)}\n" for entry in entries)
    return gzip.compress(lines.encode("utf-8", "backslashreplace"), compresslevel=1, mtime=0)


def _unpacked(packed: bytes) -> Iterator[Any]:
    # Not `splitlines`, which also takes U+2028 for a line's end.
    return map(from_json, gzip.decompress(packed).decode().split("\n")[:-1])


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in chunks of at least `size`, but for the last one."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= size:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _all_of(*several: Iterable[bytes]) -> Iterator[bytes]:
    for one in several:
        yield from one


def _csv_lines(columns: Sequence[str], entries: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A CSV with what was wrong first, so that it also stands in its column where a row has too many cells."""
    line = io.StringIO()
    writer = csv.writer(line)

    def written(cells: Iterable[object]) -> bytes:
        writer.writerow([escaped(str(cell)) for cell in cells])
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text.encode("utf-8", "backslashreplace")

    # An error file that was sent again has these columns already.
    ours = {number for number, column in enumerate(columns) if column in ERROR_COLUMNS}

    def own(cells: Sequence[str]) -> list[str]:
        return [cell for number, cell in enumerate(cells) if number not in ours] if ours else list(cells)

    # Excel takes a CSV for UTF-8 only where it begins with the mark.
    yield b"\xef\xbb\xbf" + written([*ERROR_COLUMNS, *own(columns)])
    for number, cells, errors in entries:
        yield written([number, *_joined(errors), *own(cells)])


def _ndjson_lines(_: Sequence[str], entries: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    for number, cells, errors in entries:
        said = dict(zip(ERROR_COLUMNS, (number, *_joined(errors)), strict=True))
        members = cells if isinstance(cells, dict) else {"import_text": "".join(cells)}
        yield f"{to_json(members | said)}\n".encode("utf-8", "backslashreplace")


def _joined(errors: Sequence[Sequence[str | None]]) -> tuple[str, str]:
    """The fields of a row's errors, and its reasons: one line a row, so that the file can be sent again."""
    fields = "; ".join(field or "" for field, _ in errors)
    return fields.strip("; "), "; ".join(reason or "" for _, reason in errors)
