"""A value in, a digest out: by full content, the same in every process."""

from __future__ import annotations

import copy
import os
import pickle
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbcache.keys
from nbcache.errors import UnhashableValueError, UserHashError
from nbcache.hashing.hasher import digest, summary

ROOT = str(Path(nbcache.keys.__file__).parents[2])


class Model:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


class Child(Model):
    pass


def in_another_process(source: str, seed: int) -> str:
    """Run `source`, which prints, where `digest` is at hand and texts hash differently."""
    start = f"""
        import sys, types
        package = types.ModuleType("nbcache"); package.__path__ = [{os.path.join(ROOT, "nbcache")!r}]
        sys.modules["nbcache"] = package
        from nbcache.hashing.hasher import digest
    """
    code = textwrap.dedent(start) + textwrap.dedent(source)
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_digests_are_the_same_under_every_hash_seed() -> None:
    source = """
        import collections, dataclasses, datetime, decimal, enum, functools, pathlib, random, zoneinfo
        import numpy as np, pandas as pd

        class Colour(enum.Enum):
            RED = "red"

        @dataclasses.dataclass
        class Node:
            name: str
            near: set = dataclasses.field(default_factory=set)
            __hash__ = object.__hash__

        one, two = Node("one"), Node("two")
        one.near |= {two, Node("three")}
        two.near |= {one}
        values = [
            {"a", "b", "c", "d"}, frozenset({("a", 1), ("b", 2.5), None}), {frozenset({"x", "y"}), frozenset({"z"})},
            {"k": {"m": 1, "l": {"p", "q"}}}, {("a", 1): 2, "b": 3, None: 4, 2.5: 1, Colour.RED: 5},
            collections.Counter("hello"), Colour.RED, Colour, one, [one, two], {one},
            functools.partial(sorted, key=len), lambda x, y={"u", "v"}: x in {"s", "t", "w"},
            Node, np.array([{"a", "b"}, "c"], dtype=object), pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}),
            pd.Series(["x", "y"], dtype="category"), random.Random(1), decimal.Decimal("1.5"),
            datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")), pathlib.PurePosixPath("a/b"),
            {"a", "b"} | {1, 2.5},
        ]
        print([digest(value).hex() for value in values])
    """
    assert in_another_process(source, 0) == in_another_process(source, 1) == in_another_process(source, 4242)


def test_a_digest_has_sixteen_bytes() -> None:
    assert len(digest(1)) == len(digest([1])) == len(digest(Model())) == 16


def test_values_in_known_containers_and_alone_are_worked_out_alike() -> None:
    value = {"a": [1, {"b": 2}], "c": (1, 2)}
    first = digest(value)
    assert digest(value) == first == digest(copy.deepcopy(value))
    value["a"][1]["b"] = 3
    assert digest(value) != first


def test_a_very_deep_value_has_a_digest() -> None:
    def nest(depth: int, leaf: object) -> object:
        for _ in range(depth):
            leaf = [leaf]
        return leaf

    assert digest(nest(20_000, 1)) == digest(nest(20_000, 1))
    assert digest(nest(20_000, 1)) != digest(nest(20_000, 2))
    assert digest(nest(20_000, 1)) != digest(nest(20_001, 1))


def test_a_tuple_shared_at_every_depth_does_not_take_for_ever() -> None:
    def fold(leaf: object) -> object:
        for _ in range(40):
            leaf = (leaf, leaf)
        return leaf

    assert digest(fold(1)) == digest(fold(1)) != digest(fold(2))


def test_objects_in_sets_that_refer_to_each_other_have_a_digest() -> None:
    one, two = Model(name="one"), Model(name="two")
    one.near, two.near = {two, one}, {one, two}
    assert digest(one) == digest(copy.deepcopy(one))
    assert digest(one) != digest(two)


def test_many_types_on_one_level_are_told_apart() -> None:
    kinds = [type(f"Kind{place}", (Model,), {}) for place in range(300)]
    values = [kind(a=1) for kind in kinds]
    swapped = [values[1], values[0], *values[2:]]
    assert digest(values) == digest([kind(a=1) for kind in kinds])
    assert digest(values) != digest(swapped)


# What cannot be read


def a_generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (threading.Lock, "_thread.lock"),
        (a_generator, "builtins.generator"),
        (lambda: sys._getframe(), "builtins.frame"),
        (threading.local, "_thread._local"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_place(make: Any, name: str) -> None:
    value = {"model": Model(parts=[1, make()])}
    with pytest.raises(UnhashableValueError) as caught:
        digest(value)
    assert caught.value.type_name == name
    assert caught.value.path == "['model'].parts[1]"


def test_a_socket_is_refused() -> None:
    with socket.socket() as value, pytest.raises(UnhashableValueError) as caught:
        digest(value)
    assert caught.value.type_name == "socket.socket"
    assert caught.value.path == ""


def test_a_refusal_survives_pickling() -> None:
    with pytest.raises(UnhashableValueError) as caught:
        digest([threading.Lock()])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.type_name, again.path) == (str(caught.value), "_thread.lock", "[0]")


def test_a_pipe_is_refused_and_not_read() -> None:
    read, write = os.pipe()
    os.write(write, b"abc")
    with os.fdopen(read, "rb", buffering=0) as stream:
        with pytest.raises(UnhashableValueError):
            digest(stream)
        os.close(write)
        assert stream.read() == b"abc"


# Open files


def test_an_open_file_counts_by_name_mode_position_and_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("one\ntwo\n")
    with open(tmp_path / "a") as one, open(tmp_path / "a") as again, open(tmp_path / "b") as other:
        start = digest(one)
        assert start == digest(again) != digest(other)
        one.readline()
        assert digest(one) != start
        assert one.readline() == "two\n"
        (tmp_path / "a").write_text("one\nTWO\n")
        assert digest(again) != start
    with open(tmp_path / "a", "rb") as raw:
        assert digest(raw) not in (start, digest(raw.raw))


def test_a_file_being_written_counts_by_what_was_written() -> None:
    with tempfile.TemporaryFile() as file:
        empty = digest(file)
        file.write(b"abc")
        assert digest(file) != empty
        file.write(b"d")
        file.seek(0)
        assert file.read() == b"abcd"


# hash_funcs


def test_a_hash_function_stands_for_the_values_of_its_type() -> None:
    funcs = {Model: lambda model: model.name}
    assert digest(Model(name="a", noise=1), funcs) == digest(Model(name="a", noise=2), funcs)
    assert digest(Model(name="a"), funcs) != digest(Model(name="b"), funcs)
    assert digest([{"k": Model(name="a", x=threading.Lock())}], funcs) == digest([{"k": Model(name="a")}], funcs)


def test_a_hash_function_goes_by_exact_type_and_then_by_bases() -> None:
    funcs = {Model: lambda model: "base", Child: lambda model: model.name}
    assert digest(Child(name="a"), funcs) != digest(Child(name="b"), funcs)
    assert digest(Child(name="a"), {Model: lambda model: 1}) == digest(Child(name="b"), {Model: lambda model: 1})


def test_types_with_equal_hash_results_stay_apart() -> None:
    funcs = {Model: lambda model: 1, "_thread.lock": lambda lock: 1}
    results = {digest(Model(), funcs), digest(Child(), funcs), digest(threading.Lock(), funcs), digest(1, funcs)}
    assert len(results) == 4


@pytest.mark.parametrize("key", [f"{Model.__module__}.Model", Model])
def test_a_type_can_be_given_by_name(key: Any) -> None:
    assert digest(Model(a=1), {key: lambda model: 0}) == digest(Model(a=2), {key: lambda model: 0})


def test_builtin_types_can_be_given_too_and_may_return_their_own_type() -> None:
    lower = {str: str.lower}
    assert digest("ABC", lower) == digest("abc", lower) != digest("abd", lower)
    assert digest({"K": ["ABC"]}, lower) == digest({"k": ["abc"]}, lower)
    assert digest([1.04] * 300, {float: lambda x: round(x, 1)}) == digest([1.0] * 300, {float: lambda x: round(x, 1)})


def test_hash_functions_for_other_types_change_nothing() -> None:
    for value in (1, "a", [1, "a"], [1] * 300, {"a": {1, 2}}, Child(a=1)):
        assert digest(value, {complex: abs}) == digest(value, {complex: repr})


def test_what_a_hash_function_returns_is_hashed_fully() -> None:
    inner = {Model: lambda model: [model.part], complex: lambda value: value.real}
    assert digest(Model(part=1 + 2j), inner) == digest(Model(part=1 + 3j), inner)
    assert digest(Model(part=1j), {Model: lambda model: [model.part]}) != digest(
        Model(part=2j), {Model: lambda m: [m.part]}
    )


def test_a_failing_hash_function_is_named_with_the_type() -> None:
    def broken(model: Model) -> Any:
        raise RuntimeError("no such layer")

    with pytest.raises(UserHashError, match=r"(?s)broken.*Model.*no such layer"):
        digest([Model()], {Model: broken})


def test_a_failing_cache_key_is_named_with_the_type() -> None:
    class Broken:
        def __cache_key__(self) -> Any:
            raise RuntimeError("not ready")

    with pytest.raises(UserHashError, match=r"(?s)__cache_key__.*Broken.*not ready"):
        digest(Broken())


# Code


def test_the_code_hook_is_asked_for_functions_classes_and_modules() -> None:
    asked: list[object] = []

    def code(value: object) -> bytes:
        asked.append(value)
        return b"0" * 16

    def function() -> None: ...

    digest([function, Model, Model.__init__], code=code)
    assert function in asked
    assert Model in asked
    assert Model.__init__ in asked


def test_the_code_of_its_class_counts_for_an_object() -> None:
    assert digest(Model(a=1), code=lambda value: b"1") != digest(Model(a=1), code=lambda value: b"2")
    assert digest([1, {"a": "b"}], code=lambda value: b"1") == digest([1, {"a": "b"}], code=lambda value: b"2")


def test_a_class_whose_code_leads_to_its_own_instance_ends() -> None:
    instance = Model(a=1)

    def code(value: object) -> bytes:
        return digest(instance, code=code)

    assert digest(instance, code=code) == digest(instance, code=code)


def test_an_edited_method_changes_a_class_given_as_value() -> None:
    def make(result: int) -> type:
        class Local:
            size = 3

            def run(self) -> int:
                return result

        return Local

    assert digest(make(1)) == digest(make(1)) != digest(make(2))


def test_a_recursive_closure_has_a_digest() -> None:
    def make(step: int) -> Any:
        def down(n: int) -> int:
            return down(n - step) if n > 0 else 0

        return down

    assert digest(make(1)) == digest(make(1)) != digest(make(2))


# Guests


def test_polars_values_count_by_content_and_type() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1, 2, None], "s": ["x", None, "yz"]})
    again = pl.concat([frame[:1], frame[1:]], rechunk=False)
    assert digest(frame) == digest(again) == digest(frame.clone()) == digest(pickle.loads(pickle.dumps(frame)))
    others = [
        frame.rename({"a": "b"}),
        frame.select("s", "a"),
        frame.with_columns(pl.col("a").cast(pl.Int32)),
        frame.with_columns(pl.lit(3).alias("a")),
        frame.with_columns(pl.col("s").fill_null("")),
        frame.with_columns(pl.col("s").cast(pl.Categorical)),
        frame.lazy(),
        frame["a"],
        frame["a"].rename("c"),
        pl.Series("a", [[1], [2, 3]]),
        pl.Series("a", [[1, 2], [3]]),
        pl.Series("a", [{"x": 1}]),
        pl.Series("a", [{"y": 1}]),
        pl.Series("s", ["x"], dtype=pl.Enum(["x", "y"])),
        pl.Series("s", ["x"], dtype=pl.Enum(["x", "z"])),
        pl.col("a") + 1,
        pl.col("a") + 2,
        pl.Series([True, False] * 9),
        pl.Series([True, True] * 9),
    ]
    assert len({digest(value) for value in [frame, *others]}) == len(others) + 1
    assert digest(frame.lazy().filter(pl.col("a") > 1)) != digest(frame.lazy().filter(pl.col("a") > 2))


def test_every_row_of_a_polars_frame_counts() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": range(1000), "s": [str(row) for row in range(1000)]})
    row = pl.int_range(pl.len())
    edits = [frame.with_columns(pl.when(row == at).then(-1).otherwise("a").alias("a")) for at in range(0, 1000, 50)]
    edits += [
        frame.with_columns(pl.when(row == at).then(pl.lit("?")).otherwise("s").alias("s")) for at in range(0, 1000, 50)
    ]
    assert len({digest(value) for value in [frame, *edits]}) == 41


def test_arrow_values_count_by_content_and_type_and_not_by_chunk() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [1, None, 3], "s": ["x", "yz", None], "b": [True, None, False], "l": [[1], None, [2, 3]]})
    again = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert again["a"].num_chunks == 2
    assert digest(table) == digest(again) == digest(pickle.loads(pickle.dumps(table)))
    assert digest(table.slice(1)) == digest(pa.table(table.slice(1).to_pydict(), schema=table.schema))
    values = [
        table,
        table.slice(1),
        table.replace_schema_metadata({"k": "v"}),
        table.rename_columns(["b", "s", "a", "l"]),
        table.to_batches()[0],
        pa.array([1, 2]),
        pa.array([1, 2], pa.int32()),
        pa.array([1, None]),
        pa.array([1, 0]),
        pa.array([1.0, 2.0]),
        pa.chunked_array([[1, 2]]),
        pa.array(["a", "b"]),
        pa.array(["a", "b"], pa.large_string()),
        pa.array([b"a", b"b"]),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array(["a", "c"]).dictionary_encode(),
        pa.array([[1], [2]]),
        pa.array([[1, 2], []]),
        pa.array([{"x": 1}, {"x": None}]),
        pa.array([{"x": 1}, None]),
        pa.array([0], pa.timestamp("s")),
        pa.array([0], pa.timestamp("ms")),
        pa.array([None, None]),
        pa.scalar(1),
        pa.int64(),
        pa.schema([("a", pa.int64())]),
        pa.schema([pa.field("a", pa.int64(), nullable=False)]),
    ]
    assert len({digest(value) for value in values}) == len(values)


def test_sparse_matrices_count_by_content_and_format() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    np = pytest.importorskip("numpy")
    dense = np.array([[0, 1, 0], [2, 0, 3]])
    made = sparse.csr_array(dense)
    before = digest(made)
    assert made.has_sorted_indices and made.has_canonical_format
    assert digest(made) == before == digest(sparse.csr_array(dense)) == digest(pickle.loads(pickle.dumps(made)))
    formats = [getattr(sparse, f"{name}_array") for name in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")]
    values = [form(grid) for form in formats for grid in (dense, dense * 2, dense.astype(float))]
    values += [sparse.csr_matrix(dense), sparse.csr_array((2, 3)), sparse.csr_array((3, 2))]
    assert len({digest(value) for value in values}) == len(values)
    assert [digest(copy.deepcopy(value)) for value in values] == [digest(value) for value in values]


def test_images_count_by_every_pixel_mode_and_palette() -> None:
    image_module = pytest.importorskip("PIL.Image")
    image = image_module.new("RGB", (200, 100))
    edited = image.copy()
    edited.putpixel((117, 53), (0, 0, 1))
    tagged = image.copy()
    tagged.info["dpi"] = 72
    palette = image_module.new("P", (2, 2))
    palette.putpalette([0, 0, 0, 9, 9, 9])
    other = image_module.new("P", (2, 2))
    other.putpalette([0, 0, 0, 9, 9, 8])
    values = [image, edited, tagged, palette, other, image.convert("L"), image.resize((100, 200))]
    assert digest(image) == digest(image.copy())
    assert len({digest(value) for value in values}) == len(values)


def test_every_frame_of_an_animation_counts(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    shades = [[10, 20, 30], [10, 20, 40]]
    for name, row in zip("ab", shades, strict=True):
        first, *rest = [image_module.new("L", (4, 4), shade) for shade in row]
        first.save(tmp_path / f"{name}.gif", save_all=True, append_images=rest)
    with image_module.open(tmp_path / "a.gif") as one, image_module.open(tmp_path / "b.gif") as other:
        assert digest(one) == digest(one) != digest(other)
        assert one.tell() == 0


def test_tensors_and_modules_count_by_content_type_and_sharing() -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(12.0).reshape(3, 4)
    assert digest(base) == digest(base.clone()) == digest(pickle.loads(pickle.dumps(base)))
    assert digest(base[:, ::2]) == digest(base[:, ::2].contiguous())
    assert digest(base.T) == digest(base.T.contiguous())
    values = [
        base,
        base.T,
        base.reshape(4, 3),
        base.to(torch.float64),
        base.to(torch.bfloat16),
        base.to(torch.float16),
        base.to(torch.complex64),
        base.to(torch.complex64).conj() * 1j,
        base.clone().requires_grad_(),
        torch.nn.Parameter(base.clone()),
        base.to_sparse(),
        base.numpy(),
        torch.tensor(1.0),
        torch.zeros(0, 2),
        torch.zeros(0, 3),
        torch.float32,
        torch.float64,
        torch.Size([1, 2]),
    ]
    assert len({digest(value) for value in values}) == len(values)
    torch.manual_seed(1)
    layer = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    before = digest(layer)
    assert digest(copy.deepcopy(layer)) == before
    layer.eval()
    assert digest(layer) != before
    layer.train()
    with torch.no_grad():
        layer[0].weight[1, 1] += 1
    assert digest(layer) != before


def test_pydantic_and_attrs_objects_count_by_state() -> None:
    pydantic = pytest.importorskip("pydantic")
    attrs = pytest.importorskip("attrs")
    record = pydantic.create_model("Record", a=(int, 1), b=(list[int], []))
    other = pydantic.create_model("Other", a=(int, 1), b=(list[int], []))
    pair = attrs.make_class("Pair", ["a", "b"], slots=True)
    loose = attrs.make_class("Loose", ["a", "b"], slots=False)
    values = [record(a=1), record(a=2), record(a=1, b=[1]), other(a=1), pair(1, 2), pair(1, 3), loose(1, 2)]
    assert len({digest(value) for value in values}) == len(values)
    assert [digest(copy.deepcopy(value)) for value in values] == [digest(value) for value in values]


def test_a_mapped_array_is_the_array_it_shows(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    values = np.arange(1000.0)
    np.save(tmp_path / "a.npy", values)
    assert digest(np.load(tmp_path / "a.npy", mmap_mode="r")) == digest(values)


def test_numpy_texts_of_any_length_and_long_numbers_have_a_digest() -> None:
    np = pytest.importorskip("numpy")
    texts = np.array(["a", "bc" * 100], dtype=np.dtypes.StringDType())
    assert digest(texts) == digest(texts.copy()) != digest(np.array(["a", "bc"], dtype=np.dtypes.StringDType()))
    third = np.longdouble(1) / 3
    assert digest(third) == digest(copy.deepcopy(third)) != digest(np.longdouble(1 / 3))
    assert digest(np.full(3, third)) == digest(np.full(6, third)[::2])


def test_frames_of_every_kind_of_column_survive_copies() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "int": [1, 2, 3],
            "text": ["a", None, "c"],
            "object": [[1], "x", None],
            "category": pd.Categorical(["u", "v", None]),
            "time": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "zoned": pd.date_range("2024", periods=3, tz="Europe/Paris"),
            "duration": pd.to_timedelta([1, 2, 3], unit="s"),
            "period": pd.period_range("2024", periods=3, freq="M"),
            "interval": pd.interval_range(0, 3),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "sparse": pd.arrays.SparseArray([0, 0, 1]),
            "arrow": pd.array([1, None, 3], dtype="int64[pyarrow]"),
            "string": pd.array(["a", None, "c"], dtype="string"),
        }
    )
    expected = digest(frame)
    assert digest(frame.copy()) == expected == digest(pickle.loads(pickle.dumps(frame)))
    assert digest([frame, frame.index]) == digest([frame.copy(), frame.index.copy()])
    for column in frame.columns:
        edited = frame.copy()
        edited[column] = edited[column].iloc[[2, 0, 1]].array
        assert digest(edited) != expected, column


# Random values

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.decimals(allow_nan=False)
    | st.datetimes()
    | st.uuids()
    | st.sampled_from([..., range(3), int, len])
)
keys = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.tuples(st.integers(), st.text(max_size=2))


def grow(inner: Any) -> Any:
    return (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=3)
        | st.builds(lambda part: Model(part=part), inner)
        | st.builds(lambda part: [part, part], inner)
    )


values = st.recursive(leaves, grow, max_leaves=12)


@settings(max_examples=200, deadline=None)
@given(values)
def test_copies_of_any_value_agree(value: Any) -> None:
    expected = digest(value)
    assert digest(value) == expected
    assert digest(copy.deepcopy(value)) == expected
    assert digest(pickle.loads(pickle.dumps(value))) == expected


@settings(max_examples=200, deadline=None)
@given(values, values)
def test_two_values_agree_only_when_they_are_written_alike(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@settings(max_examples=100, deadline=None)
@given(values, values)
def test_any_change_inside_changes_the_digest(value: Any, part: Any) -> None:
    nested = [value, {"k": [part]}]
    before = digest(nested)
    nested[1]["k"].append(None)
    assert digest(nested) != before
    nested[1]["k"].pop()
    assert digest(nested) == before


def canonical(value: Any, met: dict[int, int] | None = None) -> str:
    """Write a random value down, slowly and plainly, sharing included."""
    met = {} if met is None else met
    kind = type(value).__name__
    if isinstance(value, (list, dict, set, Model)):
        if id(value) in met:
            return f"<{met[id(value)]}>"
        met[id(value)] = len(met)
    if isinstance(value, Model):
        return f"Model({canonical(value.part, met)})"
    if isinstance(value, (list, tuple)):
        return f"{kind}[{', '.join(canonical(part, met) for part in value)}]"
    if isinstance(value, (set, frozenset)):
        return f"{kind}[{', '.join(sorted(canonical(part, met) for part in value))}]"
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: canonical(item[0]))
        return f"dict[{', '.join(f'{canonical(key)}: {canonical(part, met)}' for key, part in items)}]"
    if isinstance(value, float):
        return struct.pack("<d", value).hex()
    if isinstance(value, complex):
        return struct.pack("<dd", value.real, value.imag).hex() + "j"
    return f"{kind} {value!r}"


def test_random_values_have_the_same_digests_under_another_hash_seed() -> None:
    source = """
        import random
        rng = random.Random(7)
        def leaf():
            return rng.choice([None, True, rng.random(), rng.randrange(10**20), str(rng.random()), b"x", (1, "a")])
        def value(depth):
            if depth == 0 or rng.random() < 0.2:
                return leaf()
            kind = rng.randrange(5)
            parts = [value(depth - 1) for _ in range(rng.randrange(4))]
            if kind == 0: return parts
            if kind == 1: return tuple(parts)
            if kind == 2: return {str(rng.random()): part for part in parts}
            if kind == 3: return {leaf(): part for part in parts}
            return frozenset(leaf() for _ in range(5))
        print([digest(value(5)).hex() for _ in range(300)])
    """
    assert in_another_process(source, 1) == in_another_process(source, 2)


# Imports and summaries


def test_hashing_imports_no_guest() -> None:
    guests = ("numpy", "pandas", "polars", "pyarrow", "torch", "scipy", "PIL", "joblib", "IPython", "asyncio")
    source = f"digest([1, {{'a': object}}, lambda: 1]); print([name for name in {guests!r} if name in sys.modules])"
    assert in_another_process(source, 0).strip() == "[]"


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_a_summary_is_short_and_never_fails() -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    assert summary(0.1) == "0.1"
    assert summary("a") == "'a'"
    assert summary([1, 2]) == "[1, 2]"
    assert summary(list(range(100))) == "list of 100"
    assert summary(np.zeros((3, 4))) == "ndarray (3, 4) float64"
    assert summary(pd.DataFrame(np.zeros((1000, 3)))) == "DataFrame 1000x3"
    assert summary(Rude()).startswith("Rude")
    assert summary(10**5000).startswith("int of")
    assert "\n" not in summary("a\nb") and "\n" not in summary(pd.Series([1, 2]))
    assert len(summary("x" * 10**6)) <= 80
    assert len(summary(Model(**{f"name{place}": place for place in range(1000)}), 30)) <= 30
