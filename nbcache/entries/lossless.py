"""Values that their own pickle changes: written whole here, or refused.

A hit must be what the run returned. The pickles of these lose parts of it: the frames of an animation, the properties
of a molecule, which generator a distribution draws from, which object a sentinel is, what a metric has
counted. Classes are recognised when their library is loaded. The functions that put values together are named in
stored streams.
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import chain, count
from typing import Any

from nbcache.errors import UnstorableResultError, explain
from nbcache.hashing import images
from nbcache.hashing.libraries import beside_weights, layers_of, unsaved_attributes, unsaved_variables
from nbcache.hashing.objects import is_users

__all__ = [
    "Mappables",
    "boosted",
    "global_generator",
    "image",
    "molecule",
    "named",
    "parametrized",
    "reducers",
    "saved",
    "ufunc",
]

Reduction = tuple[Any, ...]
Reducer = Callable[[Any], Any]

_PLAIN = (int, float, bool, str, bytes, type(None))


def reducers() -> Iterator[tuple[type, Reducer]]:
    """Give the exact types of the libraries loaded now that are written in a way of our own."""
    yield object, _reduce_sentinel
    yield random.Random, _reduce_random
    for module, name, derived, reduce in _LISTED:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            yield kind, reduce
            if derived:
                for subclass in _derived(kind):
                    yield subclass, reduce


def _derived(kind: type) -> Iterator[type]:
    found: list[type] = type.__subclasses__(kind)
    for subclass in found:
        yield subclass
        yield from _derived(subclass)


# --- known by name


def _reduce_random(value: Any) -> Any:
    if value is random.random.__self__:  # type: ignore[attr-defined]
        return global_generator, ("random",)
    return value.__reduce_ex__(5)


def _reduce_numpy_generator(value: Any) -> Any:
    if value is getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None):
        return global_generator, ("numpy",)
    return value.__reduce_ex__(5)


def global_generator(library: str) -> Any:
    """Return the generator that the functions of a library draw from."""
    if library == "random":
        return random.random.__self__  # type: ignore[attr-defined]
    import numpy

    return numpy.random.mtrand._rand


def _reduce_sentinel(value: object) -> Any:
    """A bare object is nothing but itself: where a module has it, it is named."""
    for module, loaded in list(sys.modules.items()):
        for name, held in list(getattr(loaded, "__dict__", {}).items()):
            if held is value:
                return named, (module, name)
    return value.__reduce_ex__(5)


def named(module: str, name: str) -> object:
    """Return what a module holds under a name."""
    found = __import__(module, fromlist=["_"])
    return getattr(found, name)


# --- parts that a pickle leaves out


def _reduce_ufunc(value: Any) -> Any:
    import copyreg
    import gc

    made_from = [part for part in gc.get_referents(value) if callable(part)]
    if not made_from:
        return copyreg.dispatch_table[type(value)](value)
    return ufunc, (made_from[0], value.nin, value.nout, value.identity)


def ufunc(function: Any, inputs: int, outputs: int, identity: Any) -> Any:
    """Make a numpy function of a Python function again."""
    import numpy

    more = {} if identity is None else {"identity": identity}
    return numpy.frompyfunc(function, inputs, outputs, **more)


def _reduce_molecule(value: Any) -> Any:
    from rdkit.Chem import PropertyPickleOptions

    return molecule, (type(value), value.ToBinary(int(PropertyPickleOptions.AllProps)), dict(value.__dict__))


def molecule(kind: Any, content: bytes, state: dict[str, Any]) -> Any:
    """Put a molecule of rdkit together, with its properties."""
    made = kind(content)
    made.__dict__.update(state)
    return made


def _reduce_class_of_models(kind: Any) -> Any:
    """A generic model of pydantic with its parameters exists once it was asked for; others have a name."""
    given = kind.__dict__.get("__pydantic_generic_metadata__") or {}
    if given.get("origin") is None:
        return kind.__qualname__
    return parametrized, (given["origin"], tuple(given["args"]))


def parametrized(origin: Any, arguments: tuple[Any, ...]) -> Any:
    """Return a generic class with its parameters."""
    return origin[arguments if len(arguments) > 1 else arguments[0]]


# --- images


def _reduce_image(value: Any) -> Any:
    pixels = value.__getstate__()  # of the frame that is shown, loaded now
    content = _file_of_frames(value)
    # What a file is read with belongs to the file, which is opened again.
    more = {
        name: part
        for name, part in value.__dict__.items()
        if name not in _OF_READING and (content is None or name[0] != "_") and _is_plain(part)
    }
    return image, (type(value), content, value.tell() if content else 0, pixels, more, images.noted(value))


def _file_of_frames(value: Any) -> bytes | None:
    """Read the file of an image that has several frames, and stays where it is; None for one that has not."""
    from nbcache.hashing import images

    content = images.file_of_frames(value)
    if content is None and (images.number_of_frames(value) or 1) > 1 and images.open_file(value) is None:
        raise UnstorableResultError(
            explain(
                "An image of several frames cannot be stored: its file is closed.",
                "only the current frame would be restored.",
                "return the path or the bytes of the file, or a list of the frames.",
            )
        )
    return content


def image(
    kind: Any,
    content: bytes | None,
    shown: int,
    pixels: list[Any],
    more: dict[str, Any],
    noted: tuple[dict[int, Any], dict[int, Any]] | None = None,
) -> Any:
    """Put an image together: from its file, if it has more frames than the one that is shown."""
    if content is None:
        made = kind.__new__(kind)
        made.__setstate__(pixels)
    else:
        from PIL import Image

        made = Image.open(io.BytesIO(content))
        made.seek(shown)
        made.load()
        if [made.mode, made.size, made.tobytes()] != [pixels[1], pixels[2], pixels[4]]:
            made.__setstate__(pixels)  # it was painted on
    made.__dict__.update(more)
    if noted is not None:
        tags = made.getexif()
        tags.clear()
        tags.update(noted[0])
        tags._ifds = noted[1]
    return made


_OF_READING = frozenset(
    (
        *("_im", "im", "_mode", "_size", "info", "palette", "fp", "_fp", "_exclusive_fp", "tile", "map", "png"),
        *("_close_exclusive_fp_after_loading", "_decoder", "_prev_im", "readonly", "_readonly", "_frame_palette"),
    )
)


def _is_plain(part: Any, depth: int = 3) -> bool:
    kind = type(part)
    if kind in _PLAIN:
        return True
    if not depth or kind not in (tuple, list, dict):
        return False
    return all(_is_plain(item, depth - 1) for item in (part.values() if kind is dict else part))


# --- models


def _reduce_archive(value: Any) -> Any:
    """Write an object of keras as its archive, and what that leaves out."""
    make, arguments = value.__reduce__()
    count = len(getattr(value, "variables", ()))
    kinds = {type(one).__name__: type(one) for one in layers_of(value) if is_users(type(one).__module__)}
    content = (make, arguments, kinds, count, unsaved_variables(value))
    return saved, content, unsaved_attributes(value), None, None, _complete


def saved(make: Any, arguments: Any, kinds: dict[str, type], count: int, values: list[Any]) -> Any:
    """Put an object of keras together; `kinds` are the classes that keras would not find by their names."""
    with sys.modules["keras"].saving.CustomObjectScope(kinds):
        made = make(*arguments)
    unsaved = beside_weights(made) if values else []
    if len(getattr(made, "variables", ())) != count or len(unsaved) != len(values):
        raise ValueError("keras made it with another number of variables than it had")
    for variable, value in zip(unsaved, values, strict=True):
        variable.assign(value)
    return made


def _complete(made: Any, attributes: list[dict[str, Any]]) -> None:
    for layer, given in zip(layers_of(made), attributes, strict=True):
        for name, part in given.items():
            if name == "name" or name not in layer.__dict__:  # names without a say in the config are counted on
                setattr(layer, name, part)


def _reduce_boosted(value: Any) -> Any:
    """Write a model of catboost; what it predicted for an evaluation set cannot be given back to one."""
    state = dict(value.__getstate__())
    if any(chain.from_iterable(state.get("_test_evals") or ())):
        raise UnstorableResultError(
            explain(
                "A model of catboost that was fitted with an evaluation set cannot be stored.",
                "catboost loses what was predicted for that set.",
                "return model.copy(), which has no such predictions.",
            )
        )
    kept = {name: part for name, part in value.__dict__.items() if name != "_object"}
    return boosted, (type(value), state, kept)


def boosted(kind: Any, state: dict[str, Any], attributes: dict[str, Any]) -> Any:
    """Put a model of catboost together."""
    made = kind.__new__(kind)
    made.__setstate__(dict(state))
    made.__dict__.update(attributes)
    return made


# --- what no pickle can hold


def _refuse_connection(value: Any) -> Any:
    raise UnstorableResultError(
        explain(
            f"A result of type {type(value).__module__}.{type(value).__qualname__} cannot be stored.",
            "it is a connection: the restored one would be new, and would not have what was put into its database.",
            "return the data that was read through it.",
        )
    )


_LISTED: tuple[tuple[str, str, bool, Reducer], ...] = (
    ("numpy", "ufunc", False, _reduce_ufunc),
    ("numpy.random", "RandomState", False, _reduce_numpy_generator),
    ("PIL.Image", "Image", True, _reduce_image),
    ("rdkit.Chem.rdchem", "Mol", True, _reduce_molecule),
    ("pydantic._internal._model_construction", "ModelMetaclass", False, _reduce_class_of_models),
    ("ibis.backends", "BaseBackend", True, _refuse_connection),
    ("keras.src.saving.keras_saveable", "KerasSaveable", True, _reduce_archive),
    ("catboost.core", "_CatBoostBase", True, _reduce_boosted),
)
"""Module, class, whether the classes derived from it are meant too, and how a value is written."""


# --- links between the parts of a figure


class Mappables:
    """Keeps, within one value, the links by which a color bar hears that the colors of its image were changed.

    matplotlib's own pickle drops all links, as they may lead anywhere; those from an image to its own parts do not.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Any, set[int]]] = {}

    def reducers(self) -> dict[type, Reducer]:
        """Give the exact types that are written with their links."""
        links, mappables = _types_with_links(len(sys.modules))
        return dict.fromkeys(links, self._reduce_links) | dict.fromkeys(mappables, self._reduce_mappable)

    def _reduce_mappable(self, value: Any) -> Any:
        with suppress(AttributeError):  # another version of the library: as its own pickle has it
            colorizer = getattr(value, "_colorizer", None)
            heard = [(value.norm, colorizer or value), (colorizer, value), (value, value.colorbar)]
            for source, listener in heard:
                if source is not None and listener is not None:
                    self._keep(source.callbacks, listener)
        return value.__reduce_ex__(5)

    def _keep(self, links: Any, listener: object) -> None:
        cids = {cid for cid, link in links.callbacks.get("changed", {}).items() if _listens(link(), listener)}
        self._kept.setdefault(id(links), (links, set()))[1].update(cids)

    def _reduce_links(self, value: Any) -> Any:
        reduced = value.__reduce_ex__(5)
        state = reduced[2]
        if type(state.get("_cid_gen")) is int:
            value._cid_gen = count(state["_cid_gen"])  # asked for its state, it has moved
        _, kept = self._kept.get(id(value), (None, ()))
        if kept:
            found = {cid: link() for cid, link in value.callbacks["changed"].items() if cid in kept}
            state["callbacks"]["changed"] |= {cid: method for cid, method in found.items() if method is not None}
        return reduced


def _listens(method: object, listener: object) -> bool:
    return getattr(method, "__self__", None) is listener


@lru_cache(maxsize=4)
def _types_with_links(modules: int) -> tuple[tuple[type, ...], tuple[type, ...]]:
    links = getattr(sys.modules.get("matplotlib.cbook"), "CallbackRegistry", None)
    kind = getattr(sys.modules.get("matplotlib.cm"), "ScalarMappable", None)
    if not isinstance(links, type) or not isinstance(kind, type):
        return (), ()
    base = next(one for one in reversed(kind.__mro__) if one is not object)
    return (links,), tuple(dict.fromkeys((base, *_derived(base))))
