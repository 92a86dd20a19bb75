"""Which frames of an error are the user's: a traceback without those of nbcache."""

from __future__ import annotations

import os
from types import TracebackType

from nbcache.errors import is_library

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_GENERATED = "<nbcache"
#: What stands here runs inside the user's function, and so behind its frame.
_OBSERVERS = os.path.join(_HERE, "tracking", "")


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame on that is none of nbcache's; None if there is no such frame.

    Frames of libraries that stand between two of nbcache's, such as those of an event loop, go with them.
    """
    first = trace
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
        if filename.startswith((_HERE, _GENERATED)):
            if not filename.startswith(_OBSERVERS):
                first = trace
        elif not is_library(filename):
            break
    return first


def hide_frame(error: BaseException) -> None:
    """Take the frame that catches an error out of its traceback, for a function that stands in for a library's.

    To be called in an ``except`` clause that ends with a bare ``raise``, which adds the frame no second time.
    """
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next
