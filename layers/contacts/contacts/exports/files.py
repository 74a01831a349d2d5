"""The files of exports in a bucket of S3.

    exports/<account>/<export>.csv               of the first run (also .ndjson, .csv.gz, .ndjson.gz)
    exports/<account>/<export>-<run>.csv         of a later one
    exports/<account>/<export>-<run>.rest-0      what a running export has written since its last part; also rest-1

A file is a multipart upload: until all parts are put together, nobody can read it. Each run has a key of its own, so
that whoever takes away the file of one run does not take that of the next.
"""

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from contacts.exports.model import URL_SECONDS, Export
from contacts.table.objects import Bucket, refusal

SLOTS: Final = (0, 1)
"""Two objects used in turn for bytes not yet uploaded, so that the previous one stays valid until the item points to
the new one."""
_UPLOAD_GONE: Final = frozenset({"NoSuchUpload", "InvalidPart", "404"})
_CONTENT_TYPES: Final = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


class UploadGone(Exception):
    """Raised where a multipart upload was aborted, or completed, or has other parts than it should have."""


class ExportFiles:
    """The files of exports in a bucket."""

    def __init__(self, client: Callable[[], Any], bucket: str, presigning: Callable[[], Any]) -> None:
        """`client`, `presigning`: return botocore's S3 clients, which are made when they are first needed.

        The second one signs URLs (`table.aws.presigning_client`), and makes no call.
        """
        self._bucket = Bucket(client, bucket)
        self._presigning = presigning

    def begin(self, account_id: str, export: Export) -> str:
        """Begin a multipart upload. Returns its id.

        Raises:
            TemporarilyUnavailable.
        """
        content_type = "application/gzip" if export.is_gzipped else _CONTENT_TYPES[export.format]
        answer = self._bucket.call(
            "create_multipart_upload", Key=_key(account_id, export), ContentType=content_type
        )
        return str(answer["UploadId"])

    def put_part(self, account_id: str, export: Export, content: bytes) -> str:
        """Upload the next part: at least 5 MB, unless it is the last. Returns its ETag.

        Raises:
            UploadGone, TemporarilyUnavailable.
        """
        number = len(export.etags) + 1
        answer = self._of_upload("upload_part", account_id, export, PartNumber=number, Body=content)
        return str(answer["ETag"])

    def join(self, account_id: str, export: Export) -> None:
        """Make one file of all parts.

        Raises:
            UploadGone, TemporarilyUnavailable.
        """
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(export.etags, start=1)]
        self._of_upload("complete_multipart_upload", account_id, export, MultipartUpload={"Parts": parts})

    def abort(self, account_id: str, export: Export) -> None:
        """Give up the multipart upload of a run, if it has one that is not complete.

        Raises:
            TemporarilyUnavailable.
        """
        if export.upload_id is None:
            return
        try:
            self._of_upload("abort_multipart_upload", account_id, export)
        except UploadGone:
            return

    def is_there(self, account_id: str, export: Export) -> bool:
        """Whether the file of a run is put together.

        Raises:
            TemporarilyUnavailable.
        """
        return self._bucket.head(_key(account_id, export)) is not None

    def put_rest(self, account_id: str, export: Export, slot: int, content: bytes) -> None:
        """Keep what is written since the last part.

        Raises:
            TemporarilyUnavailable.
        """
        self._bucket.put(_rest(account_id, export, slot), content)

    def rest(self, account_id: str, export: Export) -> bytes | None:
        """What was written since the last part; None: it is gone.

        Raises:
            TemporarilyUnavailable.
        """
        if export.rest is None:
            return b""
        return self._bucket.get(_rest(account_id, export, export.rest))

    def delete_rest(self, account_id: str, export: Export) -> None:
        """Delete what was kept between parts.

        Raises:
            TemporarilyUnavailable.
        """
        self._bucket.delete([_rest(account_id, export, slot) for slot in SLOTS])

    def delete(self, account_id: str, export: Export) -> None:
        """Delete all that there is of a run: first the upload is given up, so that no file can come of it afterwards.

        Raises:
            TemporarilyUnavailable.
        """
        self.abort(account_id, export)
        self._bucket.delete([_key(account_id, export), *(_rest(account_id, export, slot) for slot in SLOTS)])

    def url(self, account_id: str, export: Export) -> str:
        """A URL of the file, good for five minutes. No call: it is signed here."""
        url: str = self._presigning().generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket.name,
                "Key": _key(account_id, export),
                "ResponseContentDisposition": f'attachment; filename="{export.file_name}"',
            },
            ExpiresIn=URL_SECONDS,
        )
        return url

    def _of_upload(self, method: str, account_id: str, export: Export, **request: Any) -> dict[str, Any]:
        try:
            return self._bucket.call(
                method, Key=_key(account_id, export), UploadId=export.upload_id, **request
            )
        except ClientError as error:
            if refusal(error) in _UPLOAD_GONE:
                raise UploadGone from None
            raise


def _key(account_id: str, export: Export) -> str:
    run = "" if export.run == 1 else f"-{export.run}"
    return f"exports/{account_id}/{export.id}{run}{export.suffix}"


def _rest(account_id: str, export: Export, slot: int) -> str:
    return f"exports/{account_id}/{export.id}-{export.run}.rest-{slot}"
