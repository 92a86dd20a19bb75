"""Does a new tensor or array lie in the memory of one that was there before? It could only come back as a copy."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from nbcache.notebook.cells.objects.views import bounds

__all__ = ["Memory"]


class Memory:
    """The memory of the tensors among some objects, and of the arrays where there may be tensors over them.

    Parameters
    ----------
    objects : those that were there before a run
    """

    def __init__(self, objects: Iterable[Any]) -> None:
        torch: Any = sys.modules.get("torch")
        numpy: Any = sys.modules.get("numpy")
        self._tensor: Any = getattr(torch, "Tensor", None)
        self._array: Any = getattr(numpy, "ndarray", None)
        self._of_tensors: set[int] = set()
        self._spans: list[tuple[int, int]] = []
        if self._tensor is not None:
            for one in objects:
                if isinstance(one, self._tensor):
                    span = _span_of_tensor(one)
                    self._of_tensors.add(span[0])
                    self._spans.append(span)
                elif self._array is not None and isinstance(one, self._array) and one.nbytes:
                    self._spans.append(bounds(one))

    def holds(self, value: Any) -> bool:
        """Whether a tensor, or an array over a tensor, lies in that memory."""
        if not self._spans:
            return False
        if isinstance(value, self._tensor):
            first, last = _span_of_tensor(value)
            return any(first < stop and start < last for start, stop in self._spans)
        if not self._of_tensors or self._array is None or not isinstance(value, self._array) or not value.nbytes:
            return False
        first, last = bounds(value)
        return any(first < stop and start < last for start, stop in self._spans if start in self._of_tensors)


def _span_of_tensor(tensor: Any) -> tuple[int, int]:
    try:
        memory = tensor.untyped_storage()
        return memory.data_ptr(), memory.data_ptr() + memory.nbytes()
    except (AttributeError, RuntimeError, NotImplementedError):  # sparse ones, and those that hold nothing
        return 0, 0
