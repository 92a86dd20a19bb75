"""Arrays of other libraries: numpy, torch, scipy.sparse and PIL images, recognised by name and never imported.

Contiguous memory goes into the digest as it is. Memory order counts, C or F; strides, views, alignment and
writability do not, so other layouts are brought into order a chunk at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from nbcache.hashing import attributes, images
from nbcache.hashing.containers import texts
from nbcache.hashing.maps import cut_off
from nbcache.hashing.objects import tag_of
from nbcache.hashing.walk import Column, Family, Walk

_CHUNK = 1 << 20


def _numpy() -> Any:
    return sys.modules["numpy"]


def _chunks(values: Any) -> Iterator[Any]:
    """Give the elements of an array in C order, as contiguous pieces."""
    if values.flags.c_contiguous:
        yield values
    elif values.nbytes <= _CHUNK:
        yield _numpy().ascontiguousarray(values)
    else:
        rows = max(1, _CHUNK * len(values) // values.nbytes)
        for start in range(0, len(values), rows):
            piece = values[start] if rows == 1 else values[start : start + rows]
            yield from _chunks(piece)


def _is_fortran(values: Any) -> bool:
    if values.flags.c_contiguous:
        return False
    if values.flags.f_contiguous:
        return True
    # A part of an F-ordered array still makes F-ordered results; repeated and single items have no order.
    steps = [abs(step) for step, size in zip(values.strides, values.shape, strict=True) if size > 1 and step != 0]
    return len(steps) > 1 and steps == sorted(steps) and steps[0] != steps[-1]


def _describe(dtype: Any) -> tuple[object, ...]:
    """Tell everything of a dtype that changes what its bytes mean."""
    kind = dtype.type
    # Of numpy's own, `long` and `longlong` are one type where they are of one size; others go by their class.
    name = f"{kind.__module__}.{kind.__qualname__}" if dtype.kind in "VTO" or kind.__module__ != "numpy" else ""
    more = str(dtype) if dtype.kind in "VT" else ""
    names = (name, dtype.str, dtype.itemsize, more)
    if dtype.subdtype is not None:
        return (*names, "sub", _describe(dtype.subdtype[0]), tuple(dtype.subdtype[1]))
    if dtype.names is None:
        return names
    fields = tuple((name, _describe(dtype.fields[name][0]), dtype.fields[name][1]) for name in dtype.names)
    titles = tuple(repr(dtype.fields[name][2:]) for name in dtype.names)
    return (*names, fields, titles, dtype.isalignedstruct)


def _notes(dtype: Any) -> dict[str, Any]:
    """What is noted on a dtype and on those of its fields and items, by where it is noted."""
    if dtype.metadata is None and dtype.names is None and dtype.subdtype is None:
        return {}
    found = {"": dict(dtype.metadata)} if dtype.metadata else {}
    inner = {} if dtype.names is None else {name: dtype.fields[name][0] for name in dtype.names}
    if dtype.subdtype is not None:
        inner["[]"] = dtype.subdtype[0]
    return {**found, **{f".{name}{place}": note for name, one in inner.items() for place, note in _notes(one).items()}}


def _address(values: Any) -> int:
    place: int = values.__array_interface__["data"][0]
    return place


def write_array(walk: Walk, values: Any) -> None:
    """Write dtype, shape, memory order and elements of a numpy array."""
    base = values.view(_numpy().ndarray)
    fortran = _is_fortran(base)
    walk.facts(_describe(base.dtype), tuple(base.shape), fortran)
    if notes := _notes(base.dtype):
        walk.below.append(notes)
    if values.base is not None and (found := cut_off(values)) is not None:
        owner, left = found
        place = _address(values) - _address(_numpy().frombuffer(owner, "u1"))
        walk.facts("cut off", place, left)
        walk.update(owner[:left])
        return
    _write_elements(walk, base.T if fortran else base)


def _write_elements(walk: Walk, values: Any) -> None:
    dtype = values.dtype
    if dtype.names is not None:
        for name in dtype.names:  # field by field: the gaps between fields hold anything
            _write_elements(walk, values[name])
    elif dtype.hasobject or dtype.kind == "T":
        if dtype.kind == "T":
            walk.below.append(getattr(dtype, "na_object", None))
        walk.below.extend(values.ravel().tolist())
    elif dtype.kind in "fc" and dtype.itemsize in (16, 32) and dtype.char in "gG":
        # Extended precision: 10 bytes of number in 16, the others hold anything.
        numpy = _numpy()
        width = 16 if numpy.finfo(dtype).nmant > 63 else 10
        for piece in _chunks(values):
            walk.update(numpy.ascontiguousarray(piece.reshape(-1, 1).view("u1").reshape(-1, 16)[:, :width]))
    elif dtype.itemsize and values.size:
        for piece in _chunks(values):
            walk.update(piece.reshape(-1).view("u1"))


def _arrays(walk: Walk, values: list[Any]) -> None:
    for value in values:
        write_array(walk, value)


def _subclassed_arrays(walk: Walk, values: list[Any]) -> None:
    for value in values:
        write_array(walk, value)
        walk.below.append(getattr(value, "__dict__", None))


def _masked_arrays(walk: Walk, values: list[Any]) -> None:
    numpy = _numpy()
    for value in values:
        write_array(walk, value.data)
        write_array(walk, numpy.ma.getmaskarray(value))
        write_array(walk, numpy.asarray(value.fill_value))
        walk.facts(bool(value.hardmask))
        walk.below.append((dict(value._optinfo or {}), attributes.public(value)))


def _scalars(walk: Walk, values: list[Any]) -> None:
    numpy = _numpy()
    for value in values:
        write_array(walk, numpy.asarray(value))


def _dtypes(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(_describe(value))
        walk.below.append(_notes(value))


_SPARSE = ("data", "indices", "indptr", "coords", "offsets", "rows", "_dict")


def _sparse(walk: Walk, values: list[Any]) -> None:
    for value in values:
        walk.facts(value.format, tuple(map(int, value.shape)))
        for name in _SPARSE:
            if hasattr(value, name):
                walk.below.extend((name, getattr(value, name)))
        walk.below.append(attributes.public(value, _SPARSE))


def _tensors(walk: Walk, values: list[Any]) -> None:
    torch: Any = sys.modules["torch"]
    for value in values:
        walk.facts(str(value.dtype), tuple(map(int, value.shape)), str(value.device), str(value.layout))
        walk.facts(bool(value.requires_grad), type(value.grad_fn).__name__)
        plain = value.detach()
        if plain.is_quantized:
            walk.below.extend((str(plain.qscheme()), plain.int_repr(), plain.dequantize()))
        elif plain.layout is torch.sparse_coo:
            plain = plain.coalesce()
            walk.below.extend((plain.indices(), plain.values()))
        elif plain.layout is not torch.strided:
            walk.below.append(plain.to_sparse_coo())
        else:
            _write_dense(walk, torch, plain)
        walk.below.append(value.grad if value.is_leaf else None)
        hooks = hooks_of(value)
        if hooks:
            walk.below.append(hooks)
        extra = {name: part for name, part in getattr(value, "__dict__", {}).items() if not name.startswith("__")}
        walk.below.append(extra)


def hooks_of(tensor: Any) -> list[list[Any]]:
    """The functions that a tensor calls in `backward()`, without the numbers of this process that they are kept by."""
    kept = [getattr(tensor, name, None) for name in ("_backward_hooks", "_post_accumulate_grad_hooks")]
    return [list((hooks or {}).values()) for hooks in kept] if any(kept) else []


def _write_dense(walk: Walk, torch: Any, tensor: Any) -> None:
    if tensor.device.type == "meta":
        return
    dense = tensor.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    walk.update(dense.view(torch.uint8).numpy() if dense.numel() else b"")


def _generators(walk: Walk, values: list[Any]) -> None:
    torch: Any = sys.modules["torch"]
    for value in values:
        known = value is torch.default_generator  # known by name, as the functions that draw from it are
        walk.facts(str(value.device), known)
        if not known:
            _write_dense(walk, torch, value.get_state())


_RULES: dict[str, tuple[Column, bool]] = {
    "numpy.ma.MaskedArray": (_masked_arrays, True),
    "numpy.ma.core.MaskedArray": (_masked_arrays, True),
    "numpy.ndarray": (_arrays, True),
    "numpy.generic": (_scalars, False),
    "numpy.dtype": (_dtypes, False),
    "scipy.sparse._base._spbase": (_sparse, True),
    "torch.Tensor": (_tensors, True),
    "torch._C.TensorBase": (_tensors, True),
    "torch._C.Generator": (_generators, True),
    "torch.dtype": (texts, False),
    "torch.device": (texts, False),
    "PIL.Image.Image": (images.write, True),
}


def family_of(walk: Walk, kind: type) -> Family | None:
    """Find the rule for an array of a known library, or a subclass of one, if `kind` is one of those."""
    for base in kind.__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        rule = _RULES.get(name)
        if rule is None:
            continue
        if name == "numpy.ndarray" and kind is not base:
            if kind.__name__ == "memmap" and str(kind.__module__).partition(".")[0] == "numpy":
                return Family(b"array:numpy.ndarray", _arrays, True)  # where an array lives does not matter
            return Family(tag_of(walk, kind, "array"), _subclassed_arrays, True)
        return Family(tag_of(walk, kind, "array"), *rule)
    return None
