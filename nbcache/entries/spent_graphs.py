"""Tensors that hold the remains of a graph: what a training loop leaves in `loss` and `logits` after `backward()`.

Going back once more through such a graph is an error, for what it needs has been freed. So nothing but the name of the
tensor's node has to be kept: the tensor comes back with a node of that name that raises the same error.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any

__all__ = ["is_spent", "spent"]

_SAVED = "_saved_"
_LOOKED_AT = 10_000


def is_spent(value: Any) -> bool:
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
