"""What comes back is what the run returned, also where the value's own pickle would lose a part of it."""

from __future__ import annotations

import io
import random
import sys
import types
import typing
from typing import Any

import pytest

from nbcache.entries.serialize import dumps, loads
from nbcache.errors import UnstorableResultError

np = pytest.importorskip("numpy")


def again(value: Any) -> Any:
    made = dumps(value)
    return loads(made.stream, [memoryview(bytearray(buffer)) for buffer in made.buffers], made.kinds)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF"])
def test_an_image_keeps_its_frames_its_place_and_what_it_says_of_its_file(kind: str) -> None:
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    more = [pillow.new("L", (4, 4), shade) for shade in (100, 200)]
    pillow.new("L", (4, 4), 0).save(file, kind, save_all=True, append_images=more)
    image = pillow.open(file)
    image.note = "mine"
    image.seek(1)
    back = again(image)
    assert (type(back), back.n_frames, back.tell(), back.note) == (type(image), 3, 1, "mine")
    assert [_frame(back, place) for place in (1, 2)] == [_frame(image, place) for place in (1, 2)]


def _frame(image: Any, place: int) -> bytes:
    image.seek(place)
    return bytes(image.convert("L").tobytes())


def test_an_image_that_was_painted_on_comes_back_painted_on() -> None:
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.new("L", (2, 2), 0).save(file, "TIFF", save_all=True, append_images=[pillow.new("L", (2, 2), 9)])
    image = pillow.open(file)
    image.putpixel((0, 0), 77)
    assert again(image).getpixel((0, 0)) == 77


def test_an_animation_whose_file_is_closed_is_refused() -> None:
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.new("L", (2, 2), 0).save(file, "TIFF", save_all=True, append_images=[pillow.new("L", (2, 2), 9)])
    image = pillow.open(file)
    assert image.n_frames == 2
    image.load()
    file.close()
    with pytest.raises(UnstorableResultError, match="its file is closed"):
        again(image)


def test_a_tensor_and_a_parameter_keep_their_gradients() -> None:
    torch = pytest.importorskip("torch")
    leaf = torch.ones(2, requires_grad=True)
    (leaf**2).sum().backward()
    layer = torch.nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    layer.bias.note = "mine"
    step = torch.optim.SGD(layer.parameters(), lr=1.0)
    leaf_back, layer_back, step_back = again((leaf, layer, step))
    assert leaf_back.grad.tolist() == [2.0, 2.0] and leaf_back.requires_grad
    assert type(layer_back.bias) is torch.nn.Parameter and layer_back.bias.note == "mine"
    assert layer_back.weight.grad.tolist() == [[1.0, 1.0]]
    assert step_back.param_groups[0]["params"][0] is layer_back.weight


def test_a_tensor_with_a_graph_is_refused_and_says_what_to_do() -> None:
    torch = pytest.importorskip("torch")
    loss = (torch.ones(2, requires_grad=True) ** 2).sum()
    with pytest.raises(UnstorableResultError, match=r"backward\(\)[\s\S]*value\.detach\(\)"):
        again({"loss": loss})
    assert again(loss.detach()).item() == 2.0


def test_tensors_whose_graph_was_used_come_back_as_such() -> None:
    torch = pytest.importorskip("torch")
    weights, bias = torch.ones(2, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    hidden = torch.tanh(torch.ones(3, 2) @ weights)
    scores = hidden + bias
    loss = scores.mean()
    loss.backward()
    given = {"hidden": hidden, "row": hidden[0], "scores": scores, "loss": loss, "same": loss}

    back = again(again(given))

    assert repr(back) == repr(given)
    assert back["same"] is back["loss"] and not back["loss"].is_leaf and back["loss"].requires_grad
    assert back["row"].data_ptr() == back["hidden"].data_ptr()
    for name in ("hidden", "row", "scores", "loss"):
        with pytest.raises(RuntimeError) as plain:
            given[name].sum().backward()
        with pytest.raises(RuntimeError) as restored:
            back[name].sum().backward()
        assert str(restored.value) == str(plain.value)


def test_a_graph_that_is_kept_for_another_time_is_refused() -> None:
    torch = pytest.importorskip("torch")
    loss = (torch.ones(2, requires_grad=True) ** 2).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(UnstorableResultError, match="graph for backward"):
        again(loss)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["figure first", "color bars first"])
def test_a_color_bar_still_hears_of_its_image(order: slice) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    agg = pytest.importorskip("matplotlib.backends.backend_agg")
    figure = figures.Figure()
    axes = figure.subplots(1, 2)
    image, dots = axes[0].imshow([[1.0, 2.0], [3.0, 4.0]]), axes[1].scatter([1, 2], [1, 2], c=[0, 9])
    given = (figure, image, dots, figure.colorbar(image), figure.colorbar(dots))

    back = again(again(given[order]))[order]

    pictures = []
    for one in (given, back):
        one[1].set_clim(2, 5)
        one[1].set_cmap("jet")
        one[2].norm.vmax = 20
        canvas = agg.FigureCanvasAgg(one[0])
        canvas.draw()
        pictures.append(bytes(canvas.buffer_rgba()))
    assert pictures[0] == pictures[1]


def test_the_global_generators_come_back_as_themselves() -> None:
    shared = np.random.mtrand._rand
    assert again(shared) is shared
    assert again(random.random).__self__ is random.random.__self__  # type: ignore[attr-defined]
    assert again(np.random.RandomState(1)).rand() == np.random.RandomState(1).rand()
    assert again(random.Random(1)).random() == random.Random(1).random()
    frozen = pytest.importorskip("scipy.stats").norm(0, 1)
    assert again(frozen).dist._random_state is shared


def test_torchs_generator_comes_back_as_itself() -> None:
    torch = pytest.importorskip("torch")
    assert again(torch.default_generator) is torch.default_generator
    own = torch.Generator().manual_seed(3)
    assert torch.equal(again(own).get_state(), own.get_state())


def test_a_sentinel_that_a_module_holds_comes_back_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("holds_a_sentinel")
    module.MISSING = object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert again([module.MISSING])[0] is module.MISSING  # type: ignore[attr-defined]
    assert type(again(object())) is object


def test_a_numpy_function_made_of_a_python_function_comes_back() -> None:
    made = again(np.frompyfunc(lambda a: a + 1, 1, 1))
    assert made(4) == 5
    assert again(np.add) is np.add


def test_whole_numbers_keep_their_type() -> None:
    for kind in (np.longlong, np.ulonglong, np.int64, np.intc):
        assert type(again(kind(3))) is kind


pydantic = pytest.importorskip("pydantic")
Item = typing.TypeVar("Item")


class Box(pydantic.BaseModel, typing.Generic[Item]):  # type: ignore[misc, name-defined]
    content: Item


def test_a_generic_model_comes_back_as_its_class_with_parameters() -> None:
    assert type(again(Box[int](content=1))) is Box[int]
    assert type(again(Box(content=1))) is Box
    made = dumps(Box[float](content=1.0))
    delattr(sys.modules[__name__], "Box[float]") if hasattr(sys.modules[__name__], "Box[float]") else None
    assert type(loads(made.stream, [], made.kinds)) is Box[float]


def test_the_properties_of_a_molecule_come_back() -> None:
    chem = pytest.importorskip("rdkit.Chem")
    molecule = chem.MolFromSmiles("CCO")
    molecule.SetProp("name", "ethanol")
    assert again(molecule).GetProp("name") == "ethanol"


@pytest.mark.parametrize("form", ["", "png", "jpeg"])
def test_changed_tags_of_an_image_come_back(form: str) -> None:
    pillow = pytest.importorskip("PIL.Image")
    image, file = pillow.new("L", (1, 1)), io.BytesIO()
    if form:
        image.save(file, form)
        image = pillow.open(file)
    image.getexif()[0x010E] = "mine"
    image.getexif()._ifds[0x8825] = {1: "N"}

    back = again(image).getexif()

    assert (dict(back), back.get_ifd(0x8825)) == ({0x010E: "mine"}, {1: "N"})


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_a_tensor_with_hooks_is_refused(register: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.ones(2, requires_grad=True)
    getattr(tensor, register)(lambda gradient: None)
    with pytest.raises(UnstorableResultError, match="hooks"):
        dumps({"weights": tensor})
