"""The facets of what is not Python's own: arrays, frames, tensors, generators; known by name, never imported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from nbcache.hashing.arrays import hooks_of
from nbcache.notebook.cells.objects.facets import DEFAULT, Facet
from nbcache.tracking.observations.generators import bits

__all__ = ["EXPRESSION", "GENERATORS", "OPAQUE", "facets_by_name"]

OPAQUE = Facet("content", lambda value: value, walked=False)
"""Of what nobody can look into: a digest tells whether it changed, and it comes back as another object."""


# --- arrays


def _plain(value: Any) -> Any:
    """The array itself, without its subclass."""
    return value.view(sys.modules["numpy"].ndarray)


def _put_array(value: Any, content: Any) -> None:
    _plain(value)[...] = content


def _same_layout(value: Any, content: Any) -> bool:
    return bool(value.shape == content.shape and value.dtype == content.dtype and value.flags.writeable)


def _objects_of(value: Any) -> list[Any]:
    return list(_plain(value).ravel()) if value.dtype.kind == "O" else []


def _put_objects(value: Any, content: list[Any]) -> None:
    if value.dtype.kind != "O":
        return
    made = sys.modules["numpy"].empty(len(content), dtype=object)
    for place, part in enumerate(content):
        made[place] = part
    _plain(value)[...] = made.reshape(value.shape)


def _same_count(value: Any, content: list[Any]) -> bool:
    return value.dtype.kind != "O" or bool(value.size == len(content) and value.flags.writeable)


def _put_flag(value: Any, content: list[Any]) -> None:
    value.flags.writeable = content[0]


def _takes_flag(value: Any, content: list[Any]) -> bool:
    """Whether an array can be made what it was; a view of read-only memory stays read-only."""
    before = value.flags.writeable
    try:
        _put_flag(value, content)
    except ValueError:
        return False
    _put_flag(value, [before])
    return True


ARRAY = Facet("array", _plain, _put_array, _same_layout, walked=False)
ARRAY_OF_OBJECTS = Facet("objects", _objects_of, _put_objects, _same_count)
WRITABLE = Facet("whether it can be written", lambda value: [value.flags.writeable], _put_flag, _takes_flag, last=True)


# --- pandas

_OF_PANDAS = frozenset({"_mgr", "_item_cache", "_cacher", "_is_copy", "_flags", "_cache"})


def _put_manager(value: Any, content: Any) -> None:
    object.__setattr__(value, "_mgr", content)
    for cache in ("_item_cache", "_cache"):
        held = vars(value).get(cache)
        if isinstance(held, dict):
            held.clear()


def _attributes_of_frame(value: Any) -> dict[str, Any]:
    return {name: part for name, part in vars(value).items() if name not in _OF_PANDAS}


def _put_attributes_of_frame(value: Any, content: dict[str, Any]) -> None:
    vars(value).update(content)


_TEXT_AND_NUMBERS = frozenset((str, int, float, bool, type(None)))
"""Those are told by the digest of the frame."""


def _columns_of_objects(value: Any) -> dict[Any, Any]:
    """The elements of columns that hold Python objects, by the column and the row."""
    if not any(str(kind) == "object" for kind in ([value.dtype] if value.ndim == 1 else value.dtypes)):
        return {}
    columns = [value] if value.ndim == 1 else [value.iloc[:, place] for place in range(value.shape[1])]
    return {
        (place, row): part
        for place, column in enumerate(columns)
        if str(column.dtype) == "object"
        for row, part in enumerate(column.array)
        if type(part) not in _TEXT_AND_NUMBERS
    }


def _put_flags(value: Any, content: list[Any]) -> None:
    value.flags.allows_duplicate_labels = content[0]


def _put_names(value: Any, content: list[Any]) -> None:
    value.names = content


FRAME = Facet("frame", lambda value: value._mgr, _put_manager, walked=False)
AXES = Facet("axes", lambda value: list(value._mgr.axes))
FRAME_OBJECTS = Facet("objects of a frame", _columns_of_objects)
FRAME_ATTRIBUTES = Facet("attributes of a frame", _attributes_of_frame, _put_attributes_of_frame)
FRAME_FLAGS = Facet(
    "flags of a frame", lambda value: [bool(value.flags.allows_duplicate_labels)], _put_flags, last=True
)
INDEX_NAMES = Facet("names of an index", lambda value: list(value.names), _put_names)


# --- polars


def _part_of_polars(attribute: str) -> Facet:
    def put(value: Any, content: Any) -> None:
        setattr(value, attribute, getattr(content, attribute))

    return Facet("columns", lambda value: value.clone(), put, walked=False)


# --- torch


def _tensor_of(value: Any) -> list[Any]:
    if value.grad_fn is not None or hooks_of(value):
        raise ValueError("a tensor with a graph for backward(), or with functions that backward() calls")
    return [value.detach().clone(), value.requires_grad]


def _put_tensor(value: Any, content: list[Any]) -> None:
    with sys.modules["torch"].no_grad():
        value.detach().copy_(content[0])
    value.requires_grad_(content[1])


def _same_tensor(value: Any, content: list[Any]) -> bool:
    new = content[0]
    return bool(value.shape == new.shape and value.dtype == new.dtype and value.device == new.device)


def _put_gradient(value: Any, content: list[Any]) -> None:
    value.grad = content[0]


TENSOR = Facet("tensor", _tensor_of, _put_tensor, _same_tensor, walked=False)
GRADIENT = Facet("gradient", lambda value: [value.grad if value.is_leaf else None], _put_gradient)


# --- sympy

EXPRESSION = Facet("arguments of an expression", lambda value: list(value.args), fixed=True)
"""An expression never changes; what else it holds, sympy deduces from its arguments when it is asked."""


# --- states that an object gives and takes


def _state(
    take: Callable[[Any], Any], put: Callable[[Any, Any], Any], fits: Callable[[Any, Any], bool] = lambda *_: True
) -> Facet:
    return Facet("state", take, put, fits, walked=False)


def _place_of_iterator(value: Any) -> Any:
    state = value.__reduce__()
    return state[2] if len(state) > 2 else None


def _put_place(value: Any, content: Any) -> None:
    value.__setstate__(content)


_PYTHON_RANDOM = _state(lambda value: value.getstate(), lambda value, content: value.setstate(content))
_NUMPY_RANDOM = _state(lambda value: value.get_state(legacy=False), lambda value, content: value.set_state(content))
_BITS = _state(bits.state_of, bits.put, bits.fits)
_STREAM = _state(lambda value: value.__getstate__(), _put_place)
_ITERATOR = Facet("place", _place_of_iterator, _put_place, lambda value, content: content is not None, walked=False)
_SOURCE = Facet("bits of", lambda value: [value.bit_generator])
_TORCH_RANDOM = _state(lambda value: value.get_state(), lambda value, content: value.set_state(content))

GENERATORS = (_PYTHON_RANDOM, _NUMPY_RANDOM, _SOURCE, _BITS, _TORCH_RANDOM)
"""The first facets of generators of random numbers."""

_FRAMES = (FRAME, AXES, FRAME_OBJECTS, FRAME_ATTRIBUTES, FRAME_FLAGS)
_BY_NAME: dict[str, tuple[Facet, ...]] = {
    "numpy.ndarray": (ARRAY, ARRAY_OF_OBJECTS, WRITABLE),
    "pandas.DataFrame": _FRAMES,
    "pandas.Series": _FRAMES,
    "pandas.Index": (INDEX_NAMES,),
    "pandas.core.frame.DataFrame": _FRAMES,
    "pandas.core.series.Series": _FRAMES,
    "pandas.core.indexes.base.Index": (INDEX_NAMES,),
    "polars.dataframe.frame.DataFrame": (_part_of_polars("_df"),),
    "polars.series.series.Series": (_part_of_polars("_s"),),
    "sympy.core.basic.Basic": (EXPRESSION,),
    "torch.Tensor": (TENSOR, GRADIENT),
    "torch._C.Generator": (_TORCH_RANDOM,),
    "_random.Random": (_PYTHON_RANDOM,),
    "numpy.random.mtrand.RandomState": (_NUMPY_RANDOM,),
    "numpy.random._generator.Generator": (_SOURCE,),
    "numpy.random.bit_generator.BitGenerator": (_BITS,),
    "_io.BytesIO": (_STREAM,),
    "_io.StringIO": (_STREAM,),
    "builtins.list_iterator": (_ITERATOR,),
    "builtins.tuple_iterator": (_ITERATOR,),
    "builtins.range_iterator": (_ITERATOR,),
    "builtins.str_ascii_iterator": (_ITERATOR,),
    "collections.defaultdict": (DEFAULT,),
}


def facets_by_name(kind: type) -> tuple[Facet, ...] | None:
    """The facets that a class, or the nearest of its bases that is known here, has; `None` for none of them."""
    for base in kind.__mro__:
        found = _BY_NAME.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None:
            return found
    return None
