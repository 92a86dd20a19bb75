"""How torch's tensors are taken apart without copying their memory, and put together again.

torch's own pickle leaves out the gradient of a tensor, and the graph that led to it. The first is kept here, and so
is that a graph is spent; a tensor with a graph that `backward` could still use is refused, since what comes back would
be a leaf that `backward` does nothing for.
"""

from __future__ import annotations

from typing import Any

from nbcache.entries.spent_graphs import is_spent, spent
from nbcache.errors import UnstorableResultError, explain

__all__ = ["Tensors", "default_generator", "graded", "reduced_generator", "storage", "tensor"]

Reduction = tuple[Any, ...]


class _Storage:
    """The memory that several tensors of one value may share: written once."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def __reduce__(self) -> Reduction:
        return storage, (self.content,)


class Tensors:
    """Takes the tensors of one value apart, and remembers the memory it has met."""

    def __init__(self) -> None:
        self._storages: dict[tuple[int, int], _Storage] = {}

    def reduce(self, value: Any) -> Reduction:
        """Take a plain tensor apart."""
        import torch

        if value.grad_fn is not None:
            if is_spent(value):
                return spent, (value.detach(), type(value.grad_fn).__name__)
            raise UnstorableResultError(
                explain(
                    "A tensor with a graph for backward() cannot be stored.",
                    "the restored tensor would be a leaf, and its backward() would reach nothing.",
                    "return value.detach(), or leave this function uncached.",
                )
            )
        if value.grad is not None:
            return graded, (_without_gradient(value), value.grad)
        ordinary = (
            value.device.type == "cpu"
            and value.layout is torch.strided
            and not value.__dict__
            and not value.is_quantized
            and not value.is_conj()
            and not value.is_neg()
            and not value._backward_hooks
            and value.untyped_storage().nbytes()
        )
        if not ordinary:
            return value.__reduce_ex__(5)  # type: ignore[no-any-return]
        memory = value.untyped_storage()
        place = (memory.data_ptr(), memory.nbytes())
        found = self._storages.get(place)
        if found is None:
            raw = torch.empty(0, dtype=torch.uint8).set_(memory)
            found = self._storages[place] = _Storage(raw.numpy())
        kind = str(value.dtype).removeprefix("torch.")
        view = (found, kind, value.storage_offset(), tuple(value.shape), value.stride(), value.requires_grad)
        return tensor, view

    def reduce_parameter(self, value: Any) -> Reduction:
        """Take a parameter of a module apart: torch's own way, and the gradient beside it."""
        if value.grad is not None:
            return graded, (_without_gradient(value), value.grad)
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]


def _without_gradient(value: Any) -> Any:
    """Give another tensor of this kind over the same memory."""
    import torch

    plain = value.detach()
    made = torch.nn.Parameter(plain) if isinstance(value, torch.nn.Parameter) else plain
    made.requires_grad_(value.requires_grad)
    made.__dict__.update(value.__dict__)
    return made


def graded(made: Any, gradient: Any) -> Any:
    """Give a tensor its gradient back."""
    made.grad = gradient
    return made


def storage(content: Any) -> Any:
    """Lay a tensor of bytes over an array's memory."""
    import torch

    return torch.from_numpy(content)


def tensor(
    memory: Any, kind: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], requires_grad: bool
) -> Any:
    """Put a tensor together over memory that other tensors may share."""
    import torch

    made = torch.empty(0, dtype=getattr(torch, kind))
    made = made.set_(memory.untyped_storage(), offset, shape, strides)
    return made.requires_grad_() if requires_grad else made


def reduced_generator(value: Any) -> Reduction:
    """Write torch's own generator as a reference to it, and others by their state."""
    import torch

    if value is torch.default_generator:
        return default_generator, ()
    return value.__reduce_ex__(5)  # type: ignore[no-any-return]


def default_generator() -> Any:
    """Return the generator that torch's functions draw from."""
    import torch

    return torch.default_generator
