"""What stands for an object of a library whose own pickle says too much, too little, or nothing.

Too much are counters, addresses, dates and random marks, which no two processes share; too little are parts that the
library leaves out of a pickle though functions read them. Classes are recognised by name, and never imported.
"""

from __future__ import annotations

import gc
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from itertools import chain
from typing import Any

from nbcache.hashing import attributes, holders
from nbcache.hashing.immutable import ATOMS
from nbcache.hashing.objects import by_python, full_name, tag_of
from nbcache.hashing.walk import Family, Walk, unreadable

Content = Callable[[Any], Any]


def _global_generator(value: Any) -> Any:
    """Numpy's functions and scipy's distributions draw from one generator: known by name, as the functions are."""
    if value is getattr(sys.modules.get("numpy.random.mtrand"), "_rand", None):
        return "numpy.random"
    return value.get_state(legacy=False)


def _tree(value: Any) -> Any:
    return value.data, value.leafsize, value.boxsize, value.indices, attributes.public(value)


def _tree_of_neighbours(value: Any) -> Any:
    state = value.__getstate__()
    return (*state[:7], *state[11:])  # between them: how often the tree was asked


def _callbacks(value: Any) -> Any:
    # `__getstate__` would count on, and change what is only looked at. Numbers tell nothing but when each was added.
    kept = getattr(value, "_pickled_cids", ())
    called = {
        signal: [proxy() for cid, proxy in sorted(proxies.items()) if cid in kept]
        for signal, proxies in value.callbacks.items()
    }
    return {signal: functions for signal, functions in called.items() if functions}


def _archive(value: Any) -> Any:
    """A model of keras: all members of the archive that it is saved as, but for the date and ids of objects."""
    _, (content,) = value.__reduce__()
    with zipfile.ZipFile(io.BytesIO(content.getvalue())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = json.loads(members.pop("metadata.json", b"{}"))
    facts.pop("date_saved", None)
    config = json.loads(members.pop("config.json", b"{}"))
    return members, facts, _without_identities(config), unsaved_variables(value), unsaved_attributes(value)


def unsaved_variables(value: Any) -> list[Any]:
    """The variables of an object of keras that its archive leaves out: of metrics, and of generators of layers.

    What the metrics of a model have counted is not among them: each training or evaluation sets it back.
    """
    if hasattr(value, "save_own_variables") and not hasattr(value, "weights"):
        return []  # an optimizer
    convert: Any = sys.modules["keras"].ops.convert_to_numpy
    return list(map(convert, beside_weights(value)))


def beside_weights(value: Any) -> list[Any]:
    """The variables of an object of keras that are no weights."""
    weights = set(map(id, getattr(value, "weights", ())))
    return [one for one in getattr(value, "variables", ()) if id(one) not in weights]


def layers_of(value: Any) -> list[Any]:
    """The layers of a model of keras, itself among them; of anything else, that alone."""
    return list(value._flatten_layers()) if hasattr(value, "_flatten_layers") else [value]


def unsaved_attributes(value: Any) -> list[dict[str, Any]]:
    """What users, and training, hang on an object of keras and on its layers, as far as it is plain.

    None and False are what keras fills in when a model is used, and torch sets its mode by each use.
    """
    given = [attributes.public(layer, ("training",)) for layer in layers_of(value)]
    return [{name: part for name, part in state.items() if _is_kept(part)} for state in given]


def _is_kept(part: Any) -> bool:
    if part is None or part is False:
        return False
    kind = type(part)
    if kind in (list, tuple, dict):
        inner = part.values() if kind is dict else part
        return all(item is None or item is False or _is_kept(item) for item in inner)
    return kind in ATOMS or f"{kind.__module__}.{kind.__qualname__}" in _KEPT


_KEPT = frozenset({"numpy.ndarray", "keras.src.callbacks.history.History"})


def _module(value: Any) -> Any:
    """A module of torch: its hooks without the numbers of this process that they are kept by, which count on."""
    _, arguments, state = value.__reduce_ex__(4)[:3]
    if type(state) is not dict:  # a class that was derived from it has another one
        return arguments[1:], state
    hooks = {name: part for name, part in state.items() if part and name in _names_of_hooks()}
    places = {number: place for place, number in enumerate(sorted(set(chain.from_iterable(hooks.values()))))}
    numbered = {name: [(places[number], one) for number, one in part.items()] for name, part in hooks.items()}
    return arguments[1:], {**attributes.lean(state, attributes.left_out(type(value))), **numbered}


@cache
def _names_of_hooks() -> frozenset[str]:
    kept = vars(sys.modules["torch"].nn.Module())
    return frozenset(name for name, part in kept.items() if "_hooks" in name and isinstance(part, dict))


def _boosted(value: Any) -> Any:
    """A model of catboost, without marks of this training; read again it is rounded as what is stored would be."""
    state = dict(value.__getstate__())
    evaluated = state.pop("_test_evals", None)
    if "__model" in state:
        again = type(value)()
        again._load_from_string(state.pop("__model"))
        marks = again.get_metadata()
        for name in {"model_guid", "train_finish_time"}.intersection(marks.keys()):
            marks[name] = ""
        state["__model"] = again._serialize_model()
    return state, evaluated, attributes.public(value), getattr(value, "_n_features_in", None)


def _without_identities(config: Any) -> Any:
    if isinstance(config, dict):
        return {name: _without_identities(part) for name, part in config.items() if name != "shared_object_id"}
    return list(map(_without_identities, config)) if isinstance(config, list) else config


def _compiled(value: Any) -> Any:
    return value.py_func, dict(value.targetoptions)


def _vectorized(value: Any) -> Any:
    inner = getattr(value, "gufunc_builder", None)
    return (inner.py_func, inner.signature) if inner is not None else _compiled(value._dispatcher)


def _element(value: Any) -> Any:
    tree = value.getroottree()
    return _document(tree), tree.getpath(value)


def _document(value: Any) -> Any:
    root = value.getroot()
    return None if root is None else sys.modules["lxml.etree"].tostring(value)


def _molecule(value: Any) -> Any:
    options: Any = sys.modules["rdkit.Chem.rdchem"].PropertyPickleOptions
    return value.ToBinary(int(options.AllProps)), attributes.public(value)


def _universal_function(value: Any) -> Any:
    """A ufunc of a library goes by its name; of one made from a Python function only the collector knows which."""
    made_from = [part for part in gc.get_referents(value) if callable(part)]
    if made_from:
        return made_from, value.nin, value.nout, value.identity
    return full_name(value, value.__name__)


def _file_manager(value: Any) -> Any:
    """What xarray opens when it is asked, without the mark of this one opening; the content is followed as a file."""
    state = value.__getstate__()
    return state[:4] if isinstance(state, tuple) else state


def _spline(value: Any) -> Any:
    """A spline of scipy, without the memory that its fit was given to work in."""
    return value._data[:8], value._eval_args, value.ext, attributes.public(value)


def _styled(value: Any) -> Any:
    """A frame with styles; a random mark, which stands in its HTML unless the user gave one, does not count."""
    state = dict(vars(value))
    if re.fullmatch("[0-9a-f]{5}", str(state.get("uuid"))):
        del state["uuid"]
    return state


def _fragment(value: Any) -> Any:
    """A file of a data set, whose groups of rows are all told once it was read, and not before."""
    make, (path, system, condition, *groups) = value.__reduce__()
    if groups and groups[0] is not None and groups[0] == list(range(value.metadata.num_row_groups)):
        groups[0] = None
    return make.__self__, path, system, condition, groups


def _labelled(value: Any) -> Any:
    """An array of xarray's: attributes that are looked at become an empty dict, and what was looked at is kept."""
    state = value.__reduce_ex__(4)[2]
    parts = [dict(half) for half in (state if isinstance(state, tuple) else (state,)) if half]
    for half in parts:
        half.pop("_cache", None)
        half.update({name: half[name] or {} for name in ("_attrs", "_encoding") if name in half})
    return parts


def _nothing(value: Any) -> Any:
    """A lock between readers of one file says nothing of what they read."""


def _connection(value: Any) -> Any:
    unreadable(value, "it is a connection, and the way it was opened does not say to which data")


_CONTENT: Mapping[str, Content] = {
    **holders.CONTENT,
    "numpy.ufunc": _universal_function,
    "numpy.random.mtrand.RandomState": _global_generator,
    "scipy.spatial._ckdtree.cKDTree": _tree,
    "sklearn.neighbors._ball_tree.BinaryTree64": _tree_of_neighbours,
    "sklearn.neighbors._ball_tree.BinaryTree32": _tree_of_neighbours,
    "sklearn.neighbors._kd_tree.BinaryTree64": _tree_of_neighbours,
    "sklearn.neighbors._kd_tree.BinaryTree32": _tree_of_neighbours,
    "matplotlib.cbook.CallbackRegistry": _callbacks,
    "keras.src.saving.keras_saveable.KerasSaveable": _archive,
    "catboost.core._CatBoostBase": _boosted,
    "numba.core.dispatcher.Dispatcher": _compiled,
    "numba.np.ufunc.dufunc.DUFunc": _vectorized,
    "numba.np.ufunc.gufunc.GUFunc": _vectorized,
    "numba.typed.typedlist.List": lambda value: (str(value._list_type), list(value)),
    "numba.typed.typeddict.Dict": lambda value: (str(value._dict_type), dict(value)),
    "joblib.memory.MemorizedFunc": lambda value: (value.func, value.ignore),
    "lxml.etree._Element": _element,
    "lxml.etree._ElementTree": _document,
    "pyarrow.lib.Tensor": lambda value: (value.to_numpy(), value.dim_names),
    "pyarrow._dataset_parquet.ParquetFileFragment": _fragment,
    "scipy.interpolate._fitpack2.UnivariateSpline": _spline,
    "pandas.io.formats.style_render.StylerRenderer": _styled,
    "numpy.busdaycalendar": lambda value: (value.weekmask, value.holidays),
    "sqlite3.Row": lambda value: (value.keys(), tuple(value)),
    "cv2.KeyPoint": lambda value: (*(value.pt, value.size, value.angle, value.response, value.octave, value.class_id),),
    "rdkit.Chem.rdchem.Mol": _molecule,
    "ibis.backends.BaseBackend": _connection,
    "xarray.backends.file_manager.FileManager": _file_manager,
    "xarray.core.dataset.Dataset": _labelled,
    "xarray.core.dataarray.DataArray": _labelled,
    "xarray.core.variable.Variable": _labelled,
    "xarray.backends.locks.SerializableLock": _nothing,
    "xarray.backends.locks.CombinedLock": _nothing,
    "dask.utils.SerializableLock": _nothing,
    "_ctypes.CField": lambda value: (value.offset, value.size),
    "typing.NewType": lambda value: (value.__module__, value.__qualname__, value.__supertype__),
    "typing.TypeVar": lambda value: (
        *(value.__name__, value.__bound__, value.__constraints__, value.__covariant__, value.__contravariant__),
    ),
    "sqlalchemy.engine.base.Engine": _connection,
    # The rest of it is filled in by asking, and not by all who make one.
    "sqlalchemy.orm.state.InstanceState": lambda value: (
        *((value.key or ())[1:], dict(value.committed_state or {}), set(value.expired_attributes or ())),
    ),
}


#: Of these, a class derived from one may say itself what pickle takes, or have another base that is listed.
_STATE: Mapping[str, Content] = {
    "torch.nn.modules.module.Module": _module,
}


def family_of(walk: Walk, kind: type) -> Family | None:
    """Find what stands for an object of a library, if its class or one of its bases is listed."""
    content = _listed(kind, _CONTENT) or (_listed(kind, _STATE) if by_python(kind) else None)
    return None if content is None else Family(tag_of(walk, kind, "library"), _column(content), True)


def _listed(kind: type, table: Mapping[str, Content]) -> Content | None:
    names = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
    return next((table[name] for name in names if name in table), None)


def _column(content: Content) -> Callable[[Walk, list[Any]], None]:
    def column(walk: Walk, values: list[Any]) -> None:
        walk.below.extend([content(value) for value in values])

    return column
