"""From the URL of a shared store to its bucket."""

from __future__ import annotations

from urllib.parse import urlsplit

from nbcache.errors import InvalidParameterError, MissingExtraError, explain
from nbcache.stores.remote.bucket import Bucket
from nbcache.stores.remote.fsspec import FsspecBucket
from nbcache.stores.remote.redis import RedisBucket


def open_bucket(url: str) -> Bucket:
    """Open what a URL names: ``redis://``, ``rediss://``, ``unix://``, or anything fsspec knows, such as ``s3://``.

    Raises
    ------
    MissingExtraError
        The package for such URLs is not installed.
    InvalidParameterError
        The URL means nothing.
    """
    scheme = urlsplit(url).scheme
    try:
        return RedisBucket(url) if scheme in ("redis", "rediss", "unix") else FsspecBucket(url)
    except ImportError as error:
        raise MissingExtraError(
            explain(
                f"The shared store {shown(url)} cannot be opened.",
                f"{error}.",
                f"install what it needs: {_REQUIREMENTS.get(scheme, 'pip install fsspec')}, or unset NBCACHE_STORE.",
            )
        ) from error
    except ValueError as error:
        raise InvalidParameterError(
            explain(
                f"The shared store {shown(url)} cannot be opened.",
                f"{error}.",
                "give NBCACHE_STORE a URL such as redis://host:6379/0 or s3://bucket/folder.",
            )
        ) from error


_REQUIREMENTS = {
    "redis": "pip install 'nbcache[redis]'",
    "rediss": "pip install 'nbcache[redis]'",
    "unix": "pip install 'nbcache[redis]'",
    "s3": "pip install 'nbcache[s3]'",
    "s3a": "pip install 'nbcache[s3]'",
    "gs": "pip install gcsfs",
    "gcs": "pip install gcsfs",
    "az": "pip install adlfs",
    "abfs": "pip install adlfs",
}


def shown(url: str) -> str:
    """A URL without its password, for messages."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    except ValueError:
        return "(a URL that cannot be read)"
