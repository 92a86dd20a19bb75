"""How deep may a cached function call itself: as deep as without the cache.

Between a call and the function stand frames of nbcache, and Python's limit counts them like the user's. A computation
deep inside others raises the limit by as many while it runs, so that what is left for the user's frames stays the same.
"""

from __future__ import annotations

import sys
import threading

from nbcache.compute.singleflight import inside

#: Computations inside each other, up to which the limit is left alone: few programs ever get there.
SHALLOW = 12
#: Frames between one call of a cached function and the function; Python 3.11 counts a call through C as well.
_FRAMES = 6 if sys.version_info >= (3, 12) else 7
#: Frames that are enough to look up, compute and keep a result; a call that has fewer left does without the cache.
_MARGIN = 100

_lock = threading.Lock()
_before = 0
_given = 0
_set: set[int] = set()


def make_room(depth: int) -> int:
    """Raise the limit for one more computation, the first of which counts for those around it.

    Parameters
    ----------
    depth : how many computations the running code is part of, more than `SHALLOW`

    Returns
    -------
    What `give_back` takes once the computation is over.

    Notes
    -----
    The limit is one for all threads. A program that sets its own meanwhile keeps that.
    """
    global _before, _given
    frames = _FRAMES if depth > SHALLOW + 1 else _FRAMES * depth + _MARGIN
    with _lock:
        limit = sys.getrecursionlimit()
        if not _given:
            _before = limit
            _set.clear()
        elif limit not in _set:
            return 0
        _given += frames
        _set.add(_before + _given)
        sys.setrecursionlimit(_before + _given)
    return frames


def near_limit() -> bool:
    """Whether so few frames are left that the cache could fail half-way."""
    if len(inside()) <= SHALLOW:
        try:
            sys._getframe(sys.getrecursionlimit() - _MARGIN)
        except ValueError:  # the stack is not that deep
            return False
        return True
    try:
        _descend(_MARGIN)  # what counts beside the frames differs between versions of Python
    except RecursionError:
        return True
    return False


def _descend(frames: int) -> None:
    if frames:
        _descend(frames - 1)


def give_back(frames: int) -> None:
    """Lower the limit again."""
    global _given
    with _lock:
        _given -= frames
        if sys.getrecursionlimit() in _set:
            _set.add(_before + _given)
            try:
                sys.setrecursionlimit(_before + _given)
            except RecursionError:  # this thread is deeper than that, for another's sake: the last one gives it back
                pass
