"""S3 and S3-compatible servers through boto3.

boto3 repeats requests that failed or answered 5xx. What it does not repeat is a body that breaks
off while it is read; `get` does. What it does not notice is a part of a download that is shorter
than asked for, and a listing that ends before its end; `download` and `list` do. Errors come out as
ours: a missing key NotFoundError, a lost conditional put ConflictError, a refused key or bucket
ConfigError, what may pass UnavailableError.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from any2caption.errors import (
    A2CError,
    ConfigError,
    ConflictError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
)
from any2caption.storage.atomic import fresh_file
from any2caption.storage.base import ObjectInfo
from any2caption.storage.keys import check_key, check_prefix, join_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 5
CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 20.0  # for the next bytes; a server that stays silent is given up after 100 s
DOWNLOAD_ATTEMPTS = 3  # of a part whose body broke off, each with the attempts of its request
PART_BYTES = 64 << 20  # of a multipart transfer
PAGE_KEYS = 1000  # of a listing

_MISSING = {"404", "NoSuchKey", "NotFound"}
_CONFLICT = {"409", "412", "PreconditionFailed", "ConditionalRequestConflict"}
_OTHER_CONTENT = {
    "BadDigest": "the server received other bytes than were sent",
    "XAmzContentSHA256Mismatch": "the server received other bytes than were sent",
    "InvalidRange": "the object ends before the part that was asked for",
}
_TRANSIENT = {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable", "Throttling"}


class _BrokenOffError(UnavailableError):
    """A body ended before its end; boto3 has not tried again."""


class S3Store:
    """Objects of one bucket under one prefix; threads may share it, processes open their own."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint_url: str | None = None,
        *,
        attempts: int = ATTEMPTS,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self.bucket, self.prefix = bucket, check_prefix(prefix.strip("/"))
        self.endpoint_url = endpoint_url
        self._attempts, self._read_timeout = attempts, read_timeout

    @classmethod
    def from_uri(cls, uri: str, endpoint_url: str | None = None) -> "S3Store":
        """Open `s3://bucket/prefix`."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigError(f"{uri!r}: an S3 store is s3://bucket/prefix")
        return cls(bucket, prefix, endpoint_url)

    @property
    def uri(self) -> str:
        """`s3://bucket/prefix`; the endpoint is beside it in `endpoint_url`."""
        return (
            f"s3://{join_key(self.bucket, self.prefix)}" if self.prefix else f"s3://{self.bucket}"
        )

    def get(self, key: str) -> bytes:
        """Return the whole object; one that breaks off is asked for again."""
        return self._again(lambda: self._get_once(key))

    def get_range(self, key: str, start: int, size: int) -> bytes:
        """Return a part of the object; one that breaks off is asked for again."""
        if size <= 0:
            return b""
        try:
            return self._again(lambda: self._get_once(key, f"bytes={start}-{start + size - 1}"))
        except IntegrityError:  # it has ended before
            return b""

    def _again(self, get: Callable[[], bytes]) -> bytes:
        """Call until an answer is whole."""
        from tenacity import (
            Retrying,
            retry_if_exception_type,
            stop_after_attempt,
            wait_random_exponential,
        )

        for attempt in Retrying(
            retry=retry_if_exception_type(_BrokenOffError),
            stop=stop_after_attempt(self._attempts),
            wait=wait_random_exponential(multiplier=0.1, max=5),
            reraise=True,
        ):
            with attempt:
                return get()
        raise AssertionError  # pragma: no cover - Retrying returns or raises

    def put(self, key: str, data: bytes, *, overwrite: bool = True) -> None:
        """Write the object atomically; with `overwrite=False` an existing key raises ConflictError.

        The condition travels as `If-None-Match: *`. When the answer to a put that succeeded is
        lost, its repetition meets its own object: compare the content before giving up.
        """
        name = self._name(key)
        if overwrite:
            with self._errors(key):
                self._client.put_object(Bucket=self.bucket, Key=name, Body=data)
            return
        if self.exists(key):  # for servers that ignore the condition
            raise ConflictError(f"{self.uri}: {key!r} exists already")
        try:
            with self._errors(key):
                self._client.put_object(Bucket=self.bucket, Key=name, Body=data, IfNoneMatch="*")
        except ConflictError as error:
            if not _was_repeated(error) or self.get(key) != data:
                raise

    def upload(self, key: str, path: Path) -> None:
        """Write a file's content without holding it in memory (multipart above 64 MiB)."""
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
        with self._errors(key):
            self._client.upload_file(str(path), self.bucket, self._name(key), Config=config)

    def download(self, key: str, path: Path) -> None:
        """Write the object to `path` atomically, without holding it in memory."""
        from boto3.s3.transfer import TransferConfig

        with fresh_file(path) as fresh:
            with self._errors(key):
                name = self._name(key)
                size = self._client.head_object(Bucket=self.bucket, Key=name)["ContentLength"]
                self._client.download_file(
                    self.bucket,
                    name,
                    str(fresh),
                    Config=TransferConfig(num_download_attempts=DOWNLOAD_ATTEMPTS),
                )
            if fresh.stat().st_size != size:
                raise UnavailableError(
                    f"{self.uri}: {key!r} broke off at {fresh.stat().st_size} of {size} bytes"
                )

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        try:
            with self._errors(key):
                self._client.head_object(Bucket=self.bucket, Key=self._name(key))
        except NotFoundError:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object under the prefix, in key order."""
        name = join_key(self.prefix, check_prefix(prefix)) if self.prefix else check_prefix(prefix)
        if self.prefix and not prefix:
            name = f"{self.prefix}/"
        skip = len(self.prefix) + 1 if self.prefix else 0
        with self._errors(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=name, PaginationConfig={"PageSize": PAGE_KEYS}
            )
            for page in pages:
                if page.get("IsTruncated") and not page.get("NextContinuationToken"):
                    raise UnavailableError(f"{self.uri}: the listing of {prefix!r} broke off")
                for item in page.get("Contents", []):
                    yield ObjectInfo(item["Key"][skip:], item["Size"], item["ETag"].strip('"'))

    def delete(self, key: str) -> None:
        """Remove the object; a missing key is not an error."""
        try:
            with self._errors(key):
                self._client.delete_object(Bucket=self.bucket, Key=self._name(key))
        except NotFoundError:
            return

    def flush(self) -> None:
        """Nothing to do: S3 answers a put when the object is durable."""

    def sweep(self, *, older: float) -> int:
        """Abort the uploads in parts that were begun over `older` seconds ago; return how many.

        Their parts are no objects, show in no listing, and are paid for until somebody aborts them.
        """
        limit = datetime.now(UTC) - timedelta(seconds=older)
        count = 0
        with self._errors(self.prefix):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}/" if self.prefix else ""
            )
            for upload in [one for page in pages for one in page.get("Uploads", [])]:
                if upload["Initiated"] <= limit:
                    self._client.abort_multipart_upload(
                        Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
                    count += 1
        return count

    def ensure_bucket(self) -> None:
        """Create the bucket unless it is there (local stack and tests)."""
        with self._errors("", bucket=True):
            names = {bucket["Name"] for bucket in self._client.list_buckets()["Buckets"]}
            if self.bucket not in names:
                self._client.create_bucket(Bucket=self.bucket)

    @cached_property
    def _client(self) -> "S3Client":
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=self._read_timeout,
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            max_pool_connections=32,
            s3={"addressing_style": "path" if self.endpoint_url else "auto"},
            # Servers other than AWS refuse the newer default checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        session = boto3.session.Session()
        return session.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=session.region_name or "us-east-1",
            config=config,
        )

    def _name(self, key: str) -> str:
        return join_key(self.prefix, check_key(key))

    def _get_once(self, key: str, part: str | None = None) -> bytes:
        name = self._name(key)
        with self._errors(key):
            if part is None:
                answer = self._client.get_object(Bucket=self.bucket, Key=name)
            else:
                answer = self._client.get_object(Bucket=self.bucket, Key=name, Range=part)
        expected = answer["ContentLength"]
        try:
            with self._errors(key):
                data = answer["Body"].read()
        except UnavailableError as error:
            raise _BrokenOffError(str(error)) from error
        if len(data) != expected:
            raise _BrokenOffError(
                f"{self.uri}: {key!r} broke off at {len(data)} of {expected} bytes"
            )
        return data

    @contextmanager
    def _errors(self, key: str, *, bucket: bool = False) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
        from botocore.parsers import ResponseParserError
        from urllib3.exceptions import HTTPError

        where = f"{self.uri}: {key!r}" if not bucket else self.uri
        try:
            yield
        except A2CError:
            raise
        except ClientError as error:
            raise self._translate(error.response, where) from error
        except NoCredentialsError as error:
            raise ConfigError(f"{where}: no S3 credentials; set AWS_ACCESS_KEY_ID …") from error
        except (BotoCoreError, Boto3Error, ResponseParserError, HTTPError, OSError) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # a local file, not the server
            raise UnavailableError(f"{where}: {error}") from error

    @staticmethod
    def _translate(response: object, where: str) -> A2CError:
        assert isinstance(response, dict)  # noqa: S101 - how botocore builds it
        code = str(response.get("Error", {}).get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        message = response.get("Error", {}).get("Message", "")
        if code == "NoSuchBucket":
            return ConfigError(f"{where}: the bucket does not exist")
        if code in _MISSING:
            return NotFoundError(f"{where}: no such object")
        if code in _CONFLICT:
            return ConflictError(f"{where} exists already")
        if status >= 500 or code in _TRANSIENT:  # noqa: PLR2004 - HTTP server errors
            return UnavailableError(f"{where}: the server answered {status} {code} {message}")
        if code in _OTHER_CONTENT:
            return IntegrityError(f"{where}: {_OTHER_CONTENT[code]}")
        return ConfigError(f"{where}: the server answered {status} {code} {message}".rstrip())


def _was_repeated(error: ConflictError) -> bool:
    """Whether boto3 had sent the request before, so that the conflict may be with itself."""
    response = getattr(error.__cause__, "response", {})
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))
