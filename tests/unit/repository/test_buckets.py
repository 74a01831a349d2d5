"""The buckets of the benchmarks answer as S3 does: the same calls on them and on moto's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from moto import mock_aws

from bench.buckets import Buckets, ObjectBody

BUCKET = "files"


def client() -> Any:
    return boto3.client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "virtual"}),
    )


@contextmanager
def in_memory() -> Iterator[Any]:
    buckets = Buckets()

    def send(_: Any, request: Any) -> AWSResponse:
        _, status, headers, body = buckets.answer(request)
        told: Any = {"content-length": str(len(body)), **headers}
        return AWSResponse(request.url, status, told, ObjectBody(body))

    with patch.object(URLLib3Session, "send", send):
        yield client()


@contextmanager
def motos() -> Iterator[Any]:
    with mock_aws():
        made = client()
        made.create_bucket(Bucket=BUCKET)
        yield made


def told(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ClientError as error:
        return error.response["Error"]["Code"]


def story(s3: Any) -> list[Any]:
    def read(key: str, **more: str) -> Any:
        answer = told(lambda: s3.get_object(Bucket=BUCKET, Key=key, **more))
        return answer["Body"].read() if isinstance(answer, dict) else answer

    def listed(prefix: str, delimiter: str = "") -> list[Any]:
        page = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix, Delimiter=delimiter)
        objects = page.get("Contents", [])
        assert all(abs(datetime.now(UTC) - one["LastModified"]) < timedelta(hours=1) for one in objects)
        folders = [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        return [[one["Key"] for one in objects], [one["Size"] for one in objects], folders]

    for name in ("parts/1", "parts/2", "other é"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=f"content of {name}".encode())
    head = s3.head_object(Bucket=BUCKET, Key="parts/1")
    etag = head["ETag"]
    found = [etag, head["ContentLength"], read("parts/1"), read("other é"), read("nothing")]
    found += [read("parts/1", Range="bytes=2-5"), read("parts/1", Range="bytes=5-999")]
    found += [read("parts/1", Range="bytes=999-1000"), read("parts/1", Range="bytes=3-")]
    found += [read("parts/1", IfMatch=etag), read("parts/1", IfMatch='"other"')]
    found += [told(lambda: s3.head_object(Bucket=BUCKET, Key="nothing")), listed("parts/"), listed("x")]
    found += [listed("", "/"), listed("parts", "/"), listed("parts/", "/")]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="large")["UploadId"]
    parts = []
    for number, piece in enumerate([b"the last may be small"], 1):
        part = s3.upload_part(Bucket=BUCKET, Key="large", UploadId=upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket=BUCKET, Key="large", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    found += [parts, read("large", Range="bytes=4-7")]
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "parts/1"}, {"Key": "nothing"}]})
    s3.delete_object(Bucket=BUCKET, Key="large")
    return [*found, listed("")]


def test_they_answer_as_s3_does() -> None:
    with in_memory() as ours:
        answered = story(ours)
    with motos() as theirs:
        assert answered == story(theirs)
