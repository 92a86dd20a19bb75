"""The shortest way to a value that is one numpy array: no stream is read, the array is laid over its bytes.

An unpickler looks up a module, a function and a type to say the same, and takes longer than all the rest of a hit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from nbcache.entries import guests

__all__ = ["array_maker"]

# A pickle that begins so is what `guests.array` returns, and nothing of the user's is called for it.
_FRAME = 11
_ARRAY = b"\x8c%c%s\x94\x8c%c%s\x94\x93" % (
    len(guests.array.__module__),
    guests.array.__module__.encode(),
    len(guests.array.__name__),
    guests.array.__name__.encode(),
)


def array_maker(
    stream: bytes, load: Callable[[memoryview], Any], content: Callable[[], memoryview]
) -> Callable[[], Any] | None:
    """Return a function making the array of a stream again and again; None if the value is not one whole array.

    Parameters
    ----------
    stream : what the pickler wrote beside its one buffer
    load : puts the value together over such a buffer
    content : gives the buffer for one more array
    """
    if not stream.startswith(_ARRAY, _FRAME):
        return None
    whole = content()
    try:
        made = load(whole)
    except Exception:
        return None  # said where somebody waits for the value
    numpy = sys.modules["numpy"]
    if type(made) is not numpy.ndarray or made.nbytes != whole.nbytes or made.flags.writeable is whole.readonly:
        return None
    if made.ctypes.data != numpy.frombuffer(whole, "u1").ctypes.data:
        return None
    ndarray, shape, dtype, strides = numpy.ndarray, made.shape, made.dtype, made.strides
    if not whole.readonly:
        return lambda: ndarray(shape, dtype, content(), 0, strides)
    # An array laid over a view forgets that the view was unwritable, and could be made writable; one over an array not.
    frombuffer = numpy.frombuffer
    return lambda: ndarray(shape, dtype, frombuffer(content(), "u1"), 0, strides)
