"""A bucket of S3 in memory: the calls of botocore's client that our code makes, and no others.

`tests/unit/imports/test_import_files.py` holds it against moto.
"""

import io
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any

from botocore.exceptions import ClientError


def _refusal(code: str, status: int, operation: str) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class FakeBucket:
    """A client of S3 with one bucket, which lists `page` keys at a time."""

    def __init__(self, page: int = 1000) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.page = page

    def etag(self, key: str) -> str:
        return md5(self.objects[key], usedforsecurity=False).hexdigest()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes = b"", **_: Any) -> dict[str, Any]:
        self.objects[Key] = bytes(Body)
        return {"ETag": f'"{self.etag(Key)}"'}

    def get_object(
        self, *, Bucket: str, Key: str, Range: str | None = None, IfMatch: str | None = None
    ) -> dict[str, Any]:
        if Key not in self.objects:
            raise _refusal("NoSuchKey", 404, "GetObject")
        if IfMatch is not None and IfMatch.strip('"') != self.etag(Key):
            raise _refusal("PreconditionFailed", 412, "GetObject")
        content = self.objects[Key]
        if Range is not None:
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            if first >= len(content):
                raise _refusal("InvalidRange", 416, "GetObject")
            content = content[first : last + 1]
        return {"Body": io.BytesIO(content), "ContentLength": len(content), "ETag": f'"{self.etag(Key)}"'}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise _refusal("404", 404, "HeadObject")
        return {"ContentLength": len(self.objects[Key]), "ETag": f'"{self.etag(Key)}"'}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.objects.pop(Key, None)
        return {}

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> dict[str, Any]:
        objects: Sequence[Mapping[str, str]] = Delete["Objects"]
        assert 0 < len(objects) <= 1000
        for one in objects:
            self.objects.pop(one["Key"], None)
        return {}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, ContinuationToken: str = "") -> dict[str, Any]:
        found = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > ContinuationToken]
        shown = found[: self.page]
        page: dict[str, Any] = {"IsTruncated": len(found) > self.page, "KeyCount": len(shown)}
        if page["IsTruncated"]:
            page["NextContinuationToken"] = shown[-1]
        return {**page, "Contents": [{"Key": key} for key in shown]} if shown else page

    def create_multipart_upload(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        upload_id = f"upload-{len(self.uploads)}"
        self.uploads[upload_id] = {}
        return {"UploadId": upload_id}

    def upload_part(
        self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes
    ) -> dict[str, Any]:
        self.uploads[UploadId][PartNumber] = bytes(Body)
        return {"ETag": f'"{PartNumber}"'}

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any]
    ) -> dict[str, Any]:
        parts = self.uploads.pop(UploadId)
        sizes = [len(parts[one["PartNumber"]]) for one in MultipartUpload["Parts"]]
        if any(size < 5 << 20 for size in sizes[:-1]):
            raise _refusal("EntityTooSmall", 400, "CompleteMultipartUpload")
        self.objects[Key] = b"".join(parts[one["PartNumber"]] for one in MultipartUpload["Parts"])
        return {}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> dict[str, Any]:
        self.uploads.pop(UploadId, None)
        return {}

    def generate_presigned_url(self, operation: str, *, Params: Mapping[str, Any], ExpiresIn: int) -> str:
        return f"https://{Params['Bucket']}.test/{Params['Key']}?{operation}={ExpiresIn}"
