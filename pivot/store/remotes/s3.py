"""S3 remotes: who we are and where the bucket is, by boto3; which engine moves the bytes.

boto3 finds profiles and credentials as every other AWS tool does, and obstore is fed with them;
where keys are given, and no file or variable of AWS's could add to them, it is not loaded.
boto3 alone moves the bytes where obstore cannot: keys of the customer's own, access lists,
buckets whose reader pays, and unusual addressing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from ...settings import RemoteSpec
from .codes import by_code, by_status
from .options import Options
from .problems import RemoteError
from .protocol import ObjectStore

#: What only boto3 can send along.
_BOTO_ONLY = (
    "sse_customer_key",
    "sse_customer_algorithm",
    "acl",
    "grant_read",
    "grant_read_acp",
    "grant_write_acp",
    "grant_full_control",
    "request_payer",
    "addressing_style",
)
_BOTO_ONLY_CONFIG = ("addressing_style", "use_accelerate_endpoint", "use_dualstack_endpoint")
CONNECT_SECONDS = 10
READ_SECONDS = 60
#: Variables and files by which botocore could find more than the keys that are given.
_FURTHER = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
_FILES = (
    ("AWS_CONFIG_FILE", "~/.aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
)
_PUT_SECONDS = 600
_GET_SECONDS = 24 * 3600


def open_s3(spec: RemoteSpec, folder: str) -> ObjectStore:
    """The store of an `s3://bucket/prefix` remote. Raises RemoteError."""
    place = S3Place(spec, folder)
    engine = place.options.choice("engine")
    needs_boto = [name for name in _BOTO_ONLY if name in place.options]
    if engine == "obstore" and needs_boto:
        raise RemoteError(
            "options", spec.name, f"the engine obstore cannot do '{needs_boto[0]}'; leave one out"
        )
    if engine == "boto3" or needs_boto or (engine is None and place.has_odd_addressing):
        from .boto import BotoStore

        return BotoStore(place)
    return _open_rust(place)


class Keys(NamedTuple):
    """What requests are signed with."""

    access_key: str
    secret_key: str
    token: str | None


class S3Place:
    """One bucket and prefix, and the session that speaks to it; nothing is asked of it at first."""

    def __init__(self, spec: RemoteSpec, folder: str) -> None:
        self.name = spec.name
        self.options = Options(spec, "s3", folder)
        rest = spec.url.partition("://")[2]
        self.bucket, _, prefix = rest.partition("/")
        self.prefix = prefix.strip("/")
        self.url = f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        if not self.bucket:
            raise RemoteError("options", spec.name, "its URL names no bucket: s3://BUCKET/PREFIX")
        if self.options.flag("version_aware", False) or self.options.flag("worktree", False):
            raise RemoteError(
                "options",
                spec.name,
                "it keeps files under their own names (version_aware, worktree), which Pivot "
                "does not read or write",
                hint="use another remote, or `dvc` for this one",
            )
        self.is_anonymous = self.options.flag("allow_anonymous_login", False)
        self._client: Any = None
        given = [self.options.text(name) for name in ("access_key_id", "secret_access_key")]
        if (given[0] is None) != (given[1] is None):
            lacking = "secret_access_key" if given[1] is None else "access_key_id"
            raise RemoteError("options", self.name, f"'{lacking}' is missing beside the other key")
        self._plain = _plain_keys(self.options)
        if self._plain is None:
            _ = self._session  # what is wrong with it is said now

    @cached_property
    def _session(self) -> Any:
        # 140 ms to import; not needed where there is nothing to find
        import boto3
        import botocore.exceptions
        import botocore.session

        options = self.options
        inner = botocore.session.Session()
        for option, variable in (
            ("credentialpath", "credentials_file"),
            ("configpath", "config_file"),
        ):
            path = options.path(option)
            if path is not None:
                inner.set_config_variable(variable, path)
        profile = options.text("profile")
        try:
            return boto3.session.Session(
                aws_access_key_id=options.text("access_key_id"),
                aws_secret_access_key=options.text("secret_access_key"),
                aws_session_token=options.text("session_token"),
                region_name=options.text("region"),
                profile_name=profile,
                botocore_session=inner,
            )
        except botocore.exceptions.ProfileNotFound:
            from ...errors import did_you_mean

            known = inner.available_profiles
            raise RemoteError(
                "credentials",
                self.name,
                f"there is no AWS profile '{profile or inner.profile}'",
                hint=did_you_mean(profile or "", known) or "`aws configure list-profiles`",
            ) from None
        except botocore.exceptions.BotoCoreError as error:
            raise RemoteError("credentials", self.name, _said(error)) from None

    # --- what the engines need ------------------------------------------------------------

    @property
    def endpoint(self) -> str | None:
        """The server, where it is not Amazon's."""
        text = self.options.address("endpointurl") or self._configured_endpoint()
        if text is None or "://" in text:
            return text
        scheme = "https" if self.options.flag("use_ssl", True) else "http"
        return f"{scheme}://{text}"

    def _configured_endpoint(self) -> str | None:
        for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
            if os.environ.get(variable):
                return os.environ[variable]
        found = self._scoped.get("endpoint_url")
        return str(found) if found else None

    @property
    def _scoped(self) -> dict[str, Any]:
        """What AWS's own configuration says for the profile."""
        return self._session._session.get_scoped_config() if self._plain is None else {}

    @property
    def shown_endpoint(self) -> str:
        """How people call the server."""
        return self.endpoint or "Amazon S3"

    @property
    def region(self) -> str:
        """The bucket's region: as configured; else, for Amazon's, as the bucket says."""
        if self._plain is None:
            known = self._session.region_name
        else:
            known = self.options.text("region") or os.environ.get("AWS_DEFAULT_REGION")
        if known or self.endpoint is not None:
            return str(known or "us-east-1")
        return self._find_region() or "us-east-1"

    def _find_region(self) -> str | None:
        # any answer of the bucket, refusals too, names its region
        import botocore.exceptions

        try:
            answer = self.client("us-east-1").head_bucket(Bucket=self.bucket)
        except botocore.exceptions.ClientError as error:
            answer = error.response
        except botocore.exceptions.BotoCoreError as error:
            raise self.problem(error) from None
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        found = headers.get("x-amz-bucket-region")
        return str(found) if found else None

    @property
    def has_odd_addressing(self) -> bool:
        """Whether AWS's own configuration asks for something that obstore does not know."""
        settings = self._scoped.get("s3") or {}
        return isinstance(settings, dict) and any(
            settings.get(name) not in (None, "auto", "false", "path") for name in _BOTO_ONLY_CONFIG
        )

    def keys(self) -> Callable[[], Keys] | None:
        """What gives the keys, renewed where they have to be; None for nobody.

        Raises RemoteError where there are none.
        """
        if self.is_anonymous:
            return None
        given = self._plain
        if given is not None:
            return lambda: given
        found = self._found_credentials()

        def current() -> Keys:
            frozen = found.get_frozen_credentials()
            return Keys(frozen.access_key, frozen.secret_key, frozen.token)

        return current

    def _found_credentials(self) -> Any:
        """What boto3 finds. Raises RemoteError where that is nothing."""
        import botocore.exceptions

        try:
            found = self._session.get_credentials()
        except botocore.exceptions.BotoCoreError as error:
            raise self.problem(error) from None
        if found is None:
            raise RemoteError(
                "credentials",
                self.name,
                "no AWS credentials were found",
                hint=(
                    "set AWS_PROFILE, run `aws configure` or `aws sso login`, or set "
                    f"`pivot remote modify {self.name} profile NAME`; for a public bucket set "
                    "allow_anonymous_login"
                ),
            )
        return found

    def client(self, region: str | None = None) -> Any:
        """boto3's client of the bucket; it tries once."""
        if region is None and self._client is not None:
            return self._client
        import botocore
        from botocore.config import Config

        options = self.options
        self.keys()
        style = options.choice("addressing_style")
        if style is None and self.endpoint is not None:
            style = "path"
        config = Config(
            connect_timeout=options.number("connect_timeout", CONNECT_SECONDS),
            read_timeout=options.number("read_timeout", READ_SECONDS),
            max_pool_connections=64,
            retries={"mode": "standard", "total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            signature_version=botocore.UNSIGNED if self.is_anonymous else None,
            s3={"addressing_style": style} if style else None,
        )
        made = self._session.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=region or self.region,
            use_ssl=options.flag("use_ssl", True),
            verify=options.flag_or_path("ssl_verify"),
            config=config,
        )
        if region is None:
            self._client = made
        return made

    def check(self) -> None:
        """Ask for the first key of the prefix: the answer, unlike HEAD's, says what is wrong."""
        import botocore.exceptions

        try:
            self.client().list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise self.problem(error) from None

    # --- what went wrong ------------------------------------------------------------------

    def problem(self, error: Exception, key: str = "") -> RemoteError:
        """What boto3 complains of, in words of our own; anything else is raised as it is."""
        if isinstance(error, RemoteError):
            return error
        import botocore.exceptions as trouble

        if isinstance(error, trouble.ClientError):
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code.isdecimal():
                kind, what = by_status(int(code))
            else:
                kind, what = by_code(code)
                if kind == "other" and status:
                    kind = by_status(int(status))[0]
            if kind == "place" and code == "NoSuchBucket":
                what = f"there is no bucket '{self.bucket}'"
            shown = f" ('{key}')" if key and kind in ("absent", "denied", "other") else ""
            return RemoteError(kind, self.name, f"{what}{shown}", code=code)
        if isinstance(error, (trouble.EndpointConnectionError, trouble.ConnectTimeoutError)):
            return RemoteError("network", self.name, f"cannot connect to {self.shown_endpoint}")
        if isinstance(error, trouble.ReadTimeoutError):
            what = f"{self.shown_endpoint} does not answer in time"
            return RemoteError("network", self.name, what)
        if isinstance(
            error,
            (
                trouble.NoCredentialsError,
                trouble.PartialCredentialsError,
                trouble.CredentialRetrievalError,
                trouble.TokenRetrievalError,
                trouble.SSOError,
            ),
        ):
            return RemoteError("credentials", self.name, _said(error))
        if isinstance(error, trouble.ParamValidationError):
            return RemoteError("place", self.name, f"'{self.bucket}' is no name of a bucket")
        if not isinstance(error, (trouble.BotoCoreError, OSError, *_broken())):
            raise error
        if not isinstance(error, trouble.BotoCoreError) or isinstance(
            error, (trouble.HTTPClientError, trouble.IncompleteReadError)
        ):
            what = f"the connection to {self.shown_endpoint} broke off"
            return RemoteError("network", self.name, what)
        return RemoteError("other", self.name, _said(error))


def _broken() -> tuple[type[Exception], ...]:
    """What a broken connection raises below botocore."""
    import http.client

    from urllib3.exceptions import HTTPError

    return (HTTPError, http.client.HTTPException)


def _said(error: Exception) -> str:
    """The name of what botocore complains of, and what it says without values."""
    template = getattr(error, "fmt", "")
    text = template if template and "{" not in template else type(error).__name__
    return f"the AWS library says: {text}"


def _open_rust(place: S3Place) -> ObjectStore:
    from obstore.store import S3Store

    from .rust import RETRY, RustStore, client_options

    options = place.options
    config: dict[str, Any] = {"region": place.region, "virtual_hosted_style_request": False}
    if place.endpoint is not None:
        config["endpoint"] = place.endpoint
    elif "." not in place.bucket:
        config["virtual_hosted_style_request"] = True
    sse = options.choice("sse")
    if sse is not None:
        config["server_side_encryption"] = sse
    if "sse_kms_key_id" in options:
        config["sse_kms_key_id"] = options.text("sse_kms_key_id")
        config.setdefault("server_side_encryption", "aws:kms")
    keys = place.keys()
    if keys is None:
        config["skip_signature"] = True
    provider = _Provider(keys) if keys is not None else None
    if (place.endpoint or "https://").startswith("https://"):
        config["unsigned_payload"] = True  # what TLS guards need not be hashed once more

    def made(whole: int) -> Any:
        return S3Store(
            place.bucket,
            prefix=place.prefix or None,
            config=config,
            credential_provider=provider,
            client_options=client_options(
                options.number("connect_timeout", CONNECT_SECONDS),
                options.number("read_timeout", READ_SECONDS),
                verify=options.flag_or_path("ssl_verify"),
                whole=whole,
            ),
            retry_config=RETRY,
        )

    try:
        reading, writing = made(_GET_SECONDS), made(_PUT_SECONDS)
    except RemoteError:
        raise
    except Exception as error:
        raise RemoteError(
            "options", place.name, f"its options do not fit together ({type(error).__name__})"
        ) from None
    return RustStore(
        place.name,
        place.url,
        reading,
        writing,
        endpoint=place.shown_endpoint,
        check=place.check,
    )


class _Provider:
    """Hands obstore the keys, which are asked for again before they expire."""

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys

    def __call__(self) -> Any:
        from datetime import UTC, datetime, timedelta

        keys = self._keys()
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.token,
            "expires_at": datetime.now(UTC) + timedelta(minutes=10),
        }


def _plain_keys(options: Options) -> Keys | None:
    """The keys, where they are given and AWS's own files and variables add nothing to them."""
    if any(os.environ.get(name) for name in _FURTHER):
        return None
    if any(name in options for name in ("profile", "configpath", "credentialpath")):
        return None
    for variable, place in _FILES:
        if os.path.exists(os.path.expanduser(os.environ.get(variable) or place)):
            return None
    given = [options.text(n) for n in ("access_key_id", "secret_access_key", "session_token")]
    if given[0] is None and given[1] is None:
        given = [
            os.environ.get(name)
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        ]
    access, secret, token = given
    return Keys(access, secret, token or None) if access and secret else None
