"""How torch's tensors are taken apart without copying their memory, and put together again.

torch's own pickle leaves out the gradient of a tensor, and the graph that led to it. The first is kept here, and so
is that a graph is spent; a tensor with a graph that `backward` could still use is refused, since what comes back would
be a leaf that `backward` does nothing for.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any

from nbcache.errors import UnstorableResultError, explain
from nbcache.hashing.arrays import hooks_of

__all__ = ["Tensors", "default_generator", "graded", "reduced_generator", "spent", "storage", "tensor"]

Reduction = tuple[Any, ...]
_SAVED = "_saved_"
_LOOKED_AT = 10_000


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

        _refuse_hooks(value)
        if value.grad_fn is not None:
            if _is_spent(value):
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
        _refuse_hooks(value)
        if value.grad is not None:
            return graded, (_without_gradient(value), value.grad)
        return value.__reduce_ex__(5)  # type: ignore[no-any-return]


def _refuse_hooks(value: Any) -> None:
    if value.is_leaf and hooks_of(value):
        raise UnstorableResultError(
            explain(
                "A tensor with hooks for backward() cannot be stored.",
                "torch leaves out the functions that register_hook() was given.",
                "call remove() on what register_hook() returned, or leave this function uncached.",
            )
        )


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


# -- spent graphs: what a training loop leaves in `loss` and `logits` after `backward()`
#
# Going back once more through such a graph is an error, for what it needs has been freed. So nothing but the name of
# the tensor's node has to be kept: the tensor comes back with a node of that name that raises the same error.


def _is_spent(value: Any) -> bool:
    """Whether going back from a tensor fails, because a part of its graph has been freed."""
    import torch

    if type(value) is not torch.Tensor or value.__dict__ or value._backward_hooks or value.retains_grad:
        return False
    waiting, seen = deque([value.grad_fn]), 0
    while waiting and seen < _LOOKED_AT:
        node = waiting.popleft()
        seen += 1
        if _is_freed(node):
            return True
        waiting.extend(inner for inner, _ in node.next_functions if inner is not None)
    return False


def _is_freed(node: Any) -> bool:
    kind: Any = type(node)
    try:
        for name in _saved_names(kind):
            getattr(node, name)
    except RuntimeError as error:
        return "second time" in str(error)
    return False


@cache
def _saved_names(kind: type) -> tuple[str, ...]:
    if hasattr(kind, "saved_tensors"):  # a function of the user's, or one of ours
        return ("saved_tensors",)
    return tuple(name for name in dir(kind) if name.startswith(_SAVED))


def spent(made: Any, name: str) -> Any:
    """Give a tensor a node of this name, through which nothing goes back."""
    import torch

    with torch.inference_mode(False), torch.enable_grad():
        root = torch.zeros((), dtype=made.dtype, device=made.device, requires_grad=True)
        made = _function(name).apply(made, root)
        total = made.sum()  # a gradient that is handed in would load half of torch
        torch.autograd.grad(total.real if total.is_complex() else total, root)  # frees what the node has saved
    return made


@cache
def _function(name: str) -> Any:
    import torch

    def forward(context: Any, made: Any, root: Any) -> Any:
        context.mark_dirty(made)
        context.save_for_backward(root)
        return made

    def backward(context: Any, gradient: Any) -> tuple[None, Any]:
        (root,) = context.saved_tensors
        return None, torch.zeros_like(root)

    function: Any = type(
        name, (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    )
    function._backward_cls.__name__ = name
    return function
