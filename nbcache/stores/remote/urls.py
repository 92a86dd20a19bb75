"""From the URL of a shared store to its bucket."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from nbcache.errors import CacheError, InvalidParameterError, MissingExtraError, explain
from nbcache.stores.remote.bucket import Bucket
from nbcache.stores.remote.folder import FolderBucket
from nbcache.stores.remote.fsspec import FsspecBucket
from nbcache.stores.remote.redis import RedisBucket
from nbcache.stores.remote.unopened import UnopenedBucket

_URL = re.compile(r"(?P<scheme>[^/?#@]+)://(?P<host>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_EXAMPLE = "give NBCACHE_STORE a URL such as redis://host:6379/0 or s3://bucket/folder."


def open_bucket(url: str) -> Bucket:
    """Open what a URL names: ``redis://``, ``rediss://``, ``unix://``, or anything fsspec knows, such as ``s3://``.

    A server that does not answer now is asked again by the requests that follow.

    Raises
    ------
    MissingExtraError
        The package for such URLs is not installed.
    InvalidParameterError
        The URL means nothing.
    """
    if _URL.fullmatch(url) is None:
        raise _refused(url, "it is not a URL: a scheme and :// are missing")
    try:
        return _opened(url)
    except ImportError as error:
        scheme = urlsplit(url).scheme
        raise MissingExtraError(
            explain(
                f"The shared store {shown(url)} cannot be opened.",
                f"{error}.",
                f"install what it needs: {_REQUIREMENTS.get(scheme, 'pip install fsspec')}, or unset NBCACHE_STORE.",
            )
        ) from error
    except ValueError as error:
        # What a library says of a URL that it cannot read may quote a piece of the password.
        raise _refused(url, "it cannot be read" if "@" in url else str(error)) from (None if "@" in url else error)
    except CacheError:
        raise
    except Exception:  # some libraries connect when they are opened, and each raises something else
        return UnopenedBucket(lambda: _opened(url))


def _opened(url: str) -> Bucket:
    scheme = url.partition("://")[0]
    if scheme in ("redis", "rediss", "unix"):
        return RedisBucket(url)
    return FolderBucket(url) if scheme == "file" else FsspecBucket(url)


def _refused(url: str, why: str) -> InvalidParameterError:
    return InvalidParameterError(explain(f"The shared store {shown(url)} cannot be opened.", f"{why}.", _EXAMPLE))


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
    """A URL for messages, without what may be a secret: user, password, query and fragment.

    A password with an unescaped ``/``, ``?`` or ``#`` reaches beyond the place where a host should stand; of such a
    URL only the scheme is shown.
    """
    parts = _URL.fullmatch(url)
    if parts is None:
        return "(no URL)" if "@" in url else f"'{url}'"
    if "@" in parts["rest"]:
        return f"{parts['scheme']}://..."
    return f"{parts['scheme']}://{parts['host'].rpartition('@')[2]}{re.split('[?#]', parts['rest'])[0]}"
