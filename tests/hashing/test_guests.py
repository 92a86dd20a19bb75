"""Frames, tables, images, tensors and models count by their full content."""

from __future__ import annotations

import copy
import importlib
import pickle
from pathlib import Path

import pytest

from nbcache.hashing.hasher import digest

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


def test_a_data_set_of_files_is_the_same_before_and_after_it_is_read(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet, sets = importlib.import_module("pyarrow.parquet"), importlib.import_module("pyarrow.dataset")
    for name in ("one", "two"):
        parquet.write_table(pa.table({"a": range(10)}), tmp_path / f"{name}.parquet", row_group_size=3)
    whole, one = sets.dataset(tmp_path), sets.dataset(tmp_path / "one.parquet")
    before = digest(whole)
    fragment = next(one.get_fragments())
    second = fragment.subset(row_group_ids=[1])
    keys = {digest(value) for value in (one, fragment, second, fragment.subset(row_group_ids=[2]))}

    for value in (whole, one, second):
        value.to_table()

    assert digest(whole) == before == digest(sets.dataset(tmp_path))
    assert {digest(value) for value in (one, fragment, second, fragment.subset(row_group_ids=[2]))} == keys
    assert len(keys) == 4
