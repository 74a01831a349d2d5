"""S3 in memory for benchmarks: as much of it as this service uses."""

import io
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import md5
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

from botocore.awsrequest import AWSPreparedRequest

Answer = tuple[str, int, dict[str, str], bytes]
"""What was asked for (`get_object`), status, headers, body."""
_XML: Final = {"Content-Type": "application/xml"}
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


class ObjectBody(io.BytesIO):
    """As much of a urllib3 response as botocore reads: at once, or piece by piece."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """All that is left."""
        yield self.read()


class Buckets:
    """Every bucket; objects by their keys, whichever bucket they are in."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._written_at: dict[str, float] = {}
        """Of objects that came by a request: the seconds since the epoch."""
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._numbers = count(1)

    def answer(self, request: AWSPreparedRequest) -> Answer:
        """Carry out a request of botocore's."""
        address = urlsplit(request.url)
        query = parse_qs(address.query, keep_blank_values=True)
        # Path style has the bucket in front, virtual style in the host's name.
        path = unquote(address.path).lstrip("/")
        key = path.partition("/")[2] if address.netloc.startswith("s3.") else path
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body = _content(request.body, headers)
        match request.method:
            case "PUT" if "partNumber" in query:
                self._uploads[query["uploadId"][0]][int(query["partNumber"][0])] = body
                return "upload_part", 200, {"ETag": _etag(body)}, b""
            case "PUT":
                self._put(key, body)
                return "put_object", 200, {"ETag": _etag(body)}, b""
            case "POST":
                return self._post(key, query, body)
            case "DELETE":
                self.objects.pop(key, None)
                return ("abort_multipart_upload" if "uploadId" in query else "delete_object"), 204, {}, b""
            case _ if not key or "list-type" in query:
                return self._list(query)
            case method:
                return self._get(key, headers, is_head=method == "HEAD")

    def _post(self, key: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        if "uploads" in query:
            upload = f"upload-{next(self._numbers)}"
            self._uploads[upload] = {}
            said = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return "create_multipart_upload", 200, _XML, said.encode()
        if "uploadId" in query:
            parts = self._uploads.pop(query["uploadId"][0])
            self._put(key, b"".join(parts[number] for number in sorted(parts)))
            said = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
            return "complete_multipart_upload", 200, _XML, said.encode()
        for found in ET.fromstring(body).iter():
            if found.tag.endswith("Key"):
                self.objects.pop(found.text or "", None)
        return "delete_objects", 200, _XML, b"<DeleteResult/>"

    def _put(self, key: str, data: bytes) -> None:
        self.objects[key] = data
        self._written_at[key] = time.time()

    def _list(self, query: Mapping[str, list[str]]) -> Answer:
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        listed: dict[str, str] = {}
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            folder, _, below = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if below:
                folded = f"{prefix}{folder}{delimiter}"
                listed[folded] = f"<CommonPrefixes><Prefix>{folded}</Prefix></CommonPrefixes>"
            else:
                listed[key] = self._listed(key)
        said = (
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(listed.values())}</ListBucketResult>"
        )
        return "list_objects_v2", 200, _XML, said.encode()

    def _listed(self, key: str) -> str:
        written = datetime.fromtimestamp(self._written_at.get(key, 0), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        size = len(self.objects[key])
        return (
            f"<Contents><Key>{key}</Key><LastModified>{written}</LastModified><Size>{size}</Size></Contents>"
        )

    def _get(self, key: str, headers: Mapping[str, str], *, is_head: bool) -> Answer:
        method = "head_object" if is_head else "get_object"
        data = self.objects.get(key)
        if data is None:
            return method, 404, _XML, b"" if is_head else b"<Error><Code>NoSuchKey</Code></Error>"
        etag = _etag(data)
        if headers.get("if-match", etag).strip('"') != etag.strip('"'):
            return method, 412, _XML, b"<Error><Code>PreconditionFailed</Code></Error>"
        wanted = _RANGE.match(headers.get("range", ""))
        if wanted is None:
            return method, 200, {"ETag": etag, "content-length": str(len(data))}, b"" if is_head else data
        start, end = int(wanted[1]), int(wanted[2] or len(data) - 1)
        if start >= len(data):
            return method, 416, _XML, b"<Error><Code>InvalidRange</Code></Error>"
        piece = data[start : end + 1]
        return method, 206, {"ETag": etag, "Content-Range": f"bytes {start}-{end}/{len(data)}"}, piece


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _etag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


def _content(body: Any, headers: Mapping[str, str]) -> bytes:
    """The bytes of a request, as S3 keeps them: without the frame of `aws-chunked`."""
    if body is None:
        return b""
    data = bytes(body, "utf-8") if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
    data = bytes(data)
    if "aws-chunked" not in headers.get("content-encoding", ""):
        return data
    stream, found = io.BytesIO(data), b""
    while size := int(stream.readline().partition(b";")[0] or b"0", 16):
        found += stream.read(size)
        stream.readline()
    return found
