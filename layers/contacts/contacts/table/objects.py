"""Objects in a bucket of S3, for the rooms that keep files."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError

from contacts.core.errors import TemporarilyUnavailable
from contacts.table.aws import called

_TRIES: Final = 3
"""How often the bytes of an object are read when the connection breaks amid them."""
_BROKEN: Final = (HTTPClientError, IncompleteReadError, ResponseStreamingError)
"""What botocore raises where a body ends before its end."""
_GONE: Final = frozenset({"NoSuchKey", "404"})
_DELETED_AT_ONCE: Final = 1000
"""Objects of one DeleteObjects."""


def refusal(error: ClientError) -> str:
    """The code with which S3 refused a call."""
    return str(error.response["Error"]["Code"])


def is_gone(error: ClientError) -> bool:
    """Whether S3 refused a call because there is no such object."""
    return refusal(error) in _GONE


class Bucket:
    """A bucket of S3. Each method may raise TemporarilyUnavailable, and botocore's ClientError where S3 refuses."""

    def __init__(self, client: Callable[[], Any], name: str) -> None:
        """`client`: returns botocore's S3 client, which is made when it is first needed."""
        self.client = client
        self.name = name

    def call(self, method: str, **request: Any) -> dict[str, Any]:
        """Call a method of botocore's client on this bucket."""
        return called(self.client(), method, Bucket=self.name, **request)

    def read(self, key: str, **request: Any) -> bytes:
        """The bytes of an object, read again where the connection breaks amid them. `request`: more of GetObject's."""
        for _ in range(_TRIES):
            answer = self.call("get_object", Key=key, **request)
            try:
                content: bytes = answer["Body"].read()
            except _BROKEN:
                continue
            return content
        raise TemporarilyUnavailable

    def get(self, key: str) -> bytes | None:
        """The bytes of an object; None: there is none."""
        try:
            return self.read(key)
        except ClientError as error:
            if is_gone(error):
                return None
            raise

    def head(self, key: str) -> dict[str, Any] | None:
        """What HeadObject says of an object; None: there is none."""
        try:
            return self.call("head_object", Key=key)
        except ClientError as error:
            if is_gone(error):
                return None
            raise

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        self.call("put_object", Key=key, Body=body)

    def under(self, prefix: str) -> Iterator[dict[str, Any]]:
        """The objects whose keys begin with a prefix, as ListObjectsV2 shows them, in the order of their keys."""
        request = {"Prefix": prefix}
        while True:
            page = self.call("list_objects_v2", **request)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, those that there are, a thousand at a time. After TemporarilyUnavailable some may be left."""
        objects = [{"Key": key} for key in keys]
        for start in range(0, len(objects), _DELETED_AT_ONCE):
            some = objects[start : start + _DELETED_AT_ONCE]
            if self.call("delete_objects", Delete={"Objects": some, "Quiet": True}).get("Errors"):
                raise TemporarilyUnavailable
