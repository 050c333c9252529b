"""Moves bytes to and from S3 by boto3 alone: slower than obstore, and knows every setting of S3."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .options import CHOICES
from .problems import RemoteError
from .protocol import Count, Take

if TYPE_CHECKING:
    from .s3 import S3Place

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20
_MOST_PARTS = 9000
_GRANTS = {
    "grant_read": "GrantRead",
    "grant_read_acp": "GrantReadACP",
    "grant_write_acp": "GrantWriteACP",
    "grant_full_control": "GrantFullControl",
}


class BotoStore:
    """An ObjectStore over boto3's client."""

    jobs = 16  # more are held up by the interpreter
    asks_cheaply = False
    lists = True

    def __init__(self, place: S3Place) -> None:
        self.name = place.name
        self.url = place.url
        self._place = place
        self._client = place.client()
        self._client.meta.events.register_last("before-call.s3.PutObject", _send_at_once)
        self._shared, self._writing = _extra(place)

    def size(self, key: str) -> int | None:
        try:
            answer = self._client.head_object(**self._named(key))
        except Exception as error:
            problem = self._place.problem(error, key)
            if problem.kind == "absent":
                return None
            if problem.code in ("400", "403"):
                self._place.check()  # the answer to HEAD has no body, and so no reason
            raise problem from None
        return int(answer["ContentLength"])

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        start = f"{self._place.prefix}/" if self._place.prefix else ""
        payer = {k: v for k, v in self._shared.items() if k == "RequestPayer"}
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._place.bucket, Prefix=start + prefix, **payer
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield item["Key"][len(start) :], int(item["Size"])
        except Exception as error:
            raise self._place.problem(error, prefix) from None

    def read(self, key: str, take: Take, *, start: int = 0) -> int:
        extra = {"Range": f"bytes={start}-"} if start else {}
        try:
            answer = self._client.get_object(**self._named(key), **extra)
        except Exception as error:
            raise self._place.problem(error, key) from None
        body = answer["Body"]
        try:
            if start and f"bytes {start}-" not in answer.get("ContentRange", ""):
                return 0
            left = int(answer["ContentLength"])
            while True:
                try:
                    data = body.read(_CHUNK_BYTES)
                except Exception as error:
                    raise self._place.problem(error, key) from None
                if not data:
                    break
                left -= len(data)
                take(data)
            if left > 0:
                raise RemoteError(
                    "network",
                    self.name,
                    f"the connection to {self._place.shown_endpoint} broke off",
                )
            return start
        finally:
            body.close()

    def write(self, key: str, data: bytes) -> None:
        try:
            self._client.put_object(**self._named(key), **self._writing, Body=data)
        except Exception as error:
            raise self._place.problem(error, key) from None

    def send(self, key: str, path: str, *, sent: Count | None = None) -> None:
        from boto3.exceptions import S3UploadFailedError
        from boto3.s3.transfer import TransferConfig

        size = os.stat(path).st_size
        part = max(_PART_BYTES, -(-size // _MOST_PARTS))
        named = self._named(key)
        try:
            self._client.upload_file(
                path,
                named.pop("Bucket"),
                named.pop("Key"),
                ExtraArgs={**named, **self._writing},
                Callback=sent,
                Config=TransferConfig(
                    multipart_threshold=part, multipart_chunksize=part, max_concurrency=6
                ),
            )
        except S3UploadFailedError as error:
            raise self._place.problem(error.__cause__ or _inner(error), key) from None
        except Exception as error:
            raise self._place.problem(error, key) from None

    def delete(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), 1000):
            listed = [{"Key": self._named(key)["Key"]} for key in keys[first : first + 1000]]
            try:
                answer = self._client.delete_objects(
                    Bucket=self._place.bucket, Delete={"Objects": listed, "Quiet": True}
                )
            except Exception as error:
                raise self._place.problem(error, keys[first]) from None
            for failed in answer.get("Errors", ()):
                from .codes import by_code

                kind, what = by_code(str(failed.get("Code")))
                if kind != "absent":
                    raise RemoteError(kind, self.name, f"{what} ('{keys[first]}')")

    def check(self) -> None:
        self._place.check()

    def close(self) -> None:
        self._client.close()

    def _named(self, key: str) -> dict[str, Any]:
        prefix = self._place.prefix
        return {
            "Bucket": self._place.bucket,
            "Key": f"{prefix}/{key}" if prefix else key,
            **self._shared,
        }


def _extra(place: S3Place) -> tuple[dict[str, Any], dict[str, Any]]:
    """What goes along with every request, and what with writing alone."""
    options = place.options
    shared: dict[str, Any] = {}
    writing: dict[str, Any] = {}
    key = options.key("sse_customer_key")
    if key is not None:
        shared["SSECustomerAlgorithm"] = options.choice("sse_customer_algorithm") or "AES256"
        shared["SSECustomerKey"] = key
    payer = options.choice("request_payer")
    if payer:
        shared["RequestPayer"] = payer
    for option, name in (
        ("sse", "ServerSideEncryption"),
        ("sse_kms_key_id", "SSEKMSKeyId"),
        ("acl", "ACL"),
        *_GRANTS.items(),
    ):
        if option in options:
            is_choice = option in CHOICES
            writing[name] = options.choice(option) if is_choice else options.text(option)
    if "SSEKMSKeyId" in writing:
        writing.setdefault("ServerSideEncryption", "aws:kms")
    if "ACL" in writing and any(name in writing for name in _GRANTS.values()):
        raise RemoteError("options", place.name, "acl and grant_* exclude each other")
    return shared, writing


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    """Small bodies are not announced: that costs a round trip, and some servers never answer it."""
    body = params.get("body")
    if isinstance(body, (bytes, io.BytesIO)) or not len(body or ""):
        params["headers"].pop("Expect", None)


def _inner(error: Exception) -> Exception:
    """What boto3's wrapper of an upload wraps."""
    found = error.__context__
    return found if isinstance(found, Exception) else error
