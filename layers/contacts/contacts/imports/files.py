"""The files of imports in a bucket of S3: uploads, the parts that they are cut into, error files and previews.

    uploads/<account>/<import>                 as the client has put it
    parts/<account>/<import>/<etag>/<n>        rows, as gzipped NDJSON: [line, cells] or [line, cells, field, reason]
    errors/<account>/<import>/parts/<n>        lines of the error file, gzipped
    errors/<account>/<import>/errors.csv       all of them (`errors.ndjson` where the file has objects)
    previews/<account>/<import>.json           what a dry run found

Each object is written whole, and writing it twice is writing it once.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import is_uuid
from contacts.core.json import from_json, to_json
from contacts.core.threads import side_by_side
from contacts.core.time import Clock, iso
from contacts.imports.model import FileFormat, FileReplaced, PartMissing, Row, RowError, UploadOut
from contacts.table.objects import Bucket, is_gone, refusal

UPLOAD_URL_SECONDS: Final = 3600
"""How long the URL for an upload is good. (A transfer that has begun may take longer.)"""
DOWNLOAD_URL_SECONDS: Final = 300
_AT_ONCE: Final = 8
"""Objects that are read at a time."""
_MULTIPART_BYTES: Final = 8 << 20
"""Bytes of each part of a multipart upload. S3 wants 5 MB at least, and takes 10,000 parts: 80 GB."""
_REPLACED: Final = frozenset({"PreconditionFailed", "412"})
_SPREADSHEETS: Final = frozenset({FileFormat.CSV, FileFormat.TSV, FileFormat.XLSX})


def ids_in(key: str) -> tuple[str, str] | None:
    """The account and the import that an object's key in a notification of S3 belongs to; None: it is no upload."""
    kind, *ids = unquote_plus(key).split("/")
    if kind != "uploads" or len(ids) != 2 or not all(map(is_uuid, ids)):
        return None
    return ids[0], ids[1]


class Upload:
    """`imports.reading.opening.ByteSource`: the bytes of an upload, as long as it is the one that an ETag names."""

    def __init__(self, bucket: Bucket, key: str, etag: str, size: int) -> None:
        self.size = size
        self._bucket = bucket
        self._key = key
        self._etag = f'"{etag}"'

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
            wanted = f"bytes={offset}-{offset + length - 1}"
            return self._bucket.read(self._key, IfMatch=self._etag, Range=wanted)
        except ClientError as error:
            if is_gone(error) or refusal(error) in _REPLACED:
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
        self._bucket = Bucket(client, bucket)
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
        return Upload(self._bucket, _upload(account_id, import_id), etag, size)

    def uploaded(self, account_id: str, import_id: str) -> tuple[str, int] | None:
        """The ETag and the bytes of the upload; None: there is none. One HeadObject.

        Raises:
            TemporarilyUnavailable.
        """
        found = self._bucket.head(_upload(account_id, import_id))
        return None if found is None else (found["ETag"].strip('"'), int(found["ContentLength"]))

    def delete_upload(self, account_id: str, import_id: str) -> None:
        """Delete the upload, if there is one.

        Raises:
            TemporarilyUnavailable.
        """
        self._bucket.delete([_upload(account_id, import_id)])

    # Parts

    def put_part(
        self, account_id: str, import_id: str, part: int, rows: Iterable[Row], etag: str | None = None
    ) -> None:
        """Write the rows of a part; the first part is 1. The same rows make the same bytes.

        `etag`: of the upload. So whoever still cuts an upload that was replaced writes no part of the other one.

        Raises:
            TemporarilyUnavailable.
        """
        self._bucket.put(_part(account_id, import_id, part, etag), _packed(map(_row_out, rows)))

    def part(self, account_id: str, import_id: str, part: int, etag: str | None = None) -> list[Row]:
        """The rows of a part. `etag`: as of `put_part`.

        Raises:
            PartMissing: there is no such part; if the import has ended, its parts are deleted.
            TemporarilyUnavailable.
        """
        packed = self._bucket.get(_part(account_id, import_id, part, etag))
        if packed is None:
            raise PartMissing
        return [_row_from(entry) for entry in _unpacked(packed)]

    def delete_parts(self, account_id: str, import_id: str) -> None:
        """Delete all parts.

        Raises:
            TemporarilyUnavailable: some may be deleted.
        """
        self._bucket.delete(self._keys(_parts(account_id, import_id)))

    # Error files

    def put_errors(
        self,
        account_id: str,
        import_id: str,
        part: int,
        rows: Sequence[tuple[Row, Sequence[RowError]]],
        columns: Sequence[str],
        file_format: FileFormat,
    ) -> None:
        """Write the rows of a part that failed, with what is wrong with each. Where none did, nothing is written.

        Raises:
            TemporarilyUnavailable.
        """
        if rows:
            # Here: an operation that looks whether there is an error file needs none of it.
            from contacts.imports.error_files import csv_rows, ndjson_rows

            lines = csv_rows(columns, rows) if file_format in _SPREADSHEETS else ndjson_rows(rows)
            self._bucket.put(_error_part(account_id, import_id, part), _gzipped(lines))

    def join_errors(
        self, account_id: str, import_id: str, columns: Sequence[str], file_format: FileFormat
    ) -> None:
        """Write one file of all rows that failed, in their order. Where none is left, nothing is written.

        Nor where the file is there: then some of what it was made of may be deleted already, and it is not made again
        of the rest.

        Raises:
            TemporarilyUnavailable: or parts were deleted meanwhile, by somebody else who has made the file, or by an
                erasure. Nothing was written.
        """
        prefix = _error_parts(account_id, import_id)
        parts = sorted(self._keys(prefix))
        if parts and not self.has_errors(account_id, import_id, file_format):
            from contacts.imports.error_files import csv_head

            head = csv_head(columns) if file_format in _SPREADSHEETS else b""
            key = _errors(account_id, import_id, file_format)
            self._put_stream(key, self._joined(head, prefix, parts))

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
        return self._bucket.head(_errors(account_id, import_id, file_format)) is not None

    def delete_error_parts(self, account_id: str, import_id: str) -> None:
        """Delete what `put_errors` has written; the joined file stays.

        Raises:
            TemporarilyUnavailable: some may be deleted.
        """
        self._bucket.delete(self._keys(_error_parts(account_id, import_id)))

    # Previews

    def put_preview(self, account_id: str, import_id: str, preview: Mapping[str, Any]) -> None:
        """Write what a dry run found.

        Raises:
            TemporarilyUnavailable.
        """
        self._bucket.put(
            _preview(account_id, import_id), to_json(preview).encode("utf-8", "backslashreplace")
        )

    def preview(self, account_id: str, import_id: str) -> dict[str, Any] | None:
        """What a dry run found; None: there is no such file.

        Raises:
            TemporarilyUnavailable.
        """
        text = self._bucket.get(_preview(account_id, import_id))
        found: dict[str, Any] | None = None if text is None else from_json(text.decode())
        return found

    def delete_preview(self, account_id: str, import_id: str) -> None:
        """Delete what a dry run found.

        Raises:
            TemporarilyUnavailable.
        """
        self._bucket.delete([_preview(account_id, import_id)])

    def _signed(self, operation: str, seconds: int, **request: Any) -> str:
        url: str = self._presigning().generate_presigned_url(
            operation, Params={"Bucket": self._bucket.name, **request}, ExpiresIn=seconds
        )
        return url

    def _expiry(self, seconds: int) -> str:
        return iso(self._clock.now_ms() // 1000 * 1000 + seconds * 1000)

    def _put_stream(self, key: str, pieces: Iterable[bytes]) -> None:
        """Write an object of any size, at most 8 MB of which are in memory."""
        chunks = _chunks(pieces, _MULTIPART_BYTES)
        first, second = next(chunks, b""), next(chunks, None)
        if second is None:
            self._bucket.put(key, first)
            return
        upload_id = self._bucket.call("create_multipart_upload", Key=key)["UploadId"]
        upload = {"Key": key, "UploadId": upload_id}
        try:
            done = []
            for number, chunk in enumerate(_all_of((first, second), chunks), 1):
                answer = self._bucket.call("upload_part", **upload, PartNumber=number, Body=chunk)
                done.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._bucket.call("complete_multipart_upload", **upload, MultipartUpload={"Parts": done})
        except BaseException:
            # Killed before this, the parts are deleted by a lifecycle rule of the bucket.
            self._bucket.call("abort_multipart_upload", **upload)
            raise

    def _joined(self, head: bytes, prefix: str, keys: Sequence[str]) -> Iterator[bytes]:
        """A head and the contents of all error parts, a few of which are fetched at a time.

        Raises:
            TemporarilyUnavailable: one of them was deleted before all were fetched. A file of the others would take the
                place of a whole one, or would keep a person who was erased.
        """
        yield head
        self._bucket.client()  # Made here, where there is one thread.
        for start in range(0, len(keys), _AT_ONCE):
            for packed in side_by_side(self._bucket.get, keys[start : start + _AT_ONCE], _AT_ONCE):
                if packed is None:
                    raise TemporarilyUnavailable
                yield gzip.decompress(packed)
        if not set(keys) <= set(self._keys(prefix)):
            raise TemporarilyUnavailable

    def _keys(self, prefix: str) -> Iterator[str]:
        return (one["Key"] for one in self._bucket.under(prefix))


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


def _row_out(row: Row) -> list[Any]:
    return [row.line, row.cells, *(row.error or ())]


def _row_from(entry: Sequence[Any]) -> Row:
    line, cells, *error = entry
    return Row(line, tuple(cells) if isinstance(cells, list) else cells, RowError(*error) if error else None)


def _packed(entries: Iterable[object]) -> bytes:
    """Entries as gzipped NDJSON. Half of a surrogate pair, which UTF-8 cannot hold, stays an escape of JSON."""
    lines = "".join(f"{to_json(entry)}\n" for entry in entries)
    return _gzipped(lines.encode("utf-8", "backslashreplace"))


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)


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
