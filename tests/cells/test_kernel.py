"""Cached cells in a real ipykernel: outputs as a front end gets them, and a new kernel on the same folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from live import environment, live, seen
from nbclient.exceptions import CellExecutionError


def run(*sources):
    """Run cells in a new kernel; return the outputs of each."""
    with live() as nb:
        return [nb(source, fails=True).every for source in sources]


def ours(output):
    return "nbcache" in output.get("metadata", {})


def restored(outputs):
    return any(ours(output) and output.data["text/plain"].startswith("restored") for output in outputs)


BUSY = """%%cache_cell busy
import os, sys, time
import matplotlib.pyplot as plt
from tqdm import tqdm
print("one")
display("two")
print("three", file=sys.stderr)
sys.stderr.flush()
os.write(1, b"from C\\n")
os.system("echo from a shell")
time.sleep(0.1)
figure = plt.figure(figsize=(1, 1))
plt.plot([1, 2])
for n in tqdm(range(3), file=sys.stderr):
    pass
sys.stderr.flush()
print("after the bar")
handle = display("first", display_id=True)
handle.update("second")
!echo hello
x = [1]
x"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cells")


@pytest.fixture(scope="module")
def two_kernels(folder):
    """The same notebook in two kernels, one after the other, and what each cell showed."""
    patch = pytest.MonkeyPatch()
    for name, value in (("NBCACHE_DIR", folder / "store"), ("NBCACHE_KEY_FILE", folder / "key")):
        patch.setenv(name, str(value))
    patch.chdir(folder)
    cells = [
        "a = 1",
        BUSY,
        "x, _, len(Out), type(figure).__name__",
        "%%cache_cell waits\nimport asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')\nw = a + 1\nw;",
        "w",
        "%%cache_cell clears\nfrom IPython.display import clear_output\nprint('gone')\nclear_output(wait=True)\n"
        "print('kept')",
        "%%cache_cell quick\nclass Model:\n    def get(self): return a\nm = Model()",
        "a = 2\nm.get(), isinstance(m, Model)",
        "%%cache_cell wid\nimport ipywidgets\nslider = ipywidgets.IntSlider(3)\ndisplay(slider)\n"
        "slider.value = 7\ndel slider",
        "%%cache_cell fails\nprint('before')\nraise ValueError('mine')",
    ]
    try:
        first = run(*cells)
        second = run(*cells)
    finally:
        patch.undo()
    return cells, first, second


def test_everything_comes_back_in_order(two_kernels):
    _, first, second = two_kernels
    assert not restored(first[1]) and restored(second[1])
    kinds = [kind for kind, _ in seen(second[1])]
    assert seen(second[1]) == seen(first[1])
    assert kinds[:4] == ["stdout", "display_data", "stderr", "stdout"]
    assert ("stdout", "from C\nfrom a shell\n") in seen(second[1])
    assert kinds[-2:] == ["execute_result", "display_data"]  # the figure, as ever, after the cell


def test_out_and_names_come_back(two_kernels):
    _, first, second = two_kernels
    assert seen(first[2]) == seen(second[2]) == [("execute_result", {"text/plain": "([1], [1], 1, 'Figure')"})]


def test_a_figure_is_shown_once(two_kernels):
    for outputs in two_kernels[1:]:
        assert sum("image/png" in output.get("data", {}) for output in outputs[1]) == 1
        assert not any("image/png" in output.get("data", {}) for output in outputs[2])


def test_await_and_a_silent_last_expression(two_kernels):
    _, first, second = two_kernels
    assert restored(second[3]) and seen(first[3]) == seen(second[3]) == [("stdout", "awaited\n")]
    assert seen(second[4]) == [("execute_result", {"text/plain": "2"})]


def test_cleared_output_stays_cleared(two_kernels):
    _, first, second = two_kernels
    assert seen(first[5]) == seen(second[5]) == [("stdout", "kept\n")]


def test_classes_and_instances_of_a_cell_live_in_the_new_notebook(two_kernels):
    _, first, second = two_kernels
    assert restored(second[6])
    assert seen(first[7]) == seen(second[7]) == [("execute_result", {"text/plain": "(2, True)"})]


def test_a_widget_of_an_earlier_kernel_leaves_its_text_at_the_end(two_kernels):
    _, first, second = two_kernels
    view = "application/vnd.jupyter.widget-view+json"
    assert restored(second[8])
    assert [view in output.data for output in first[8]] == [True]
    shown = [output for output in second[8] if not ours(output)]
    assert [view in output.data for output in shown] == [False]
    assert "value=7" in shown[0].data["text/plain"]


def test_a_cell_that_raises_shows_one_error_at_the_users_line(two_kernels):
    for outputs in two_kernels[1:]:
        assert not restored(outputs[9])
        errors = [output for output in outputs[9] if output.output_type == "error"]
        assert [error.ename for error in errors] == ["ValueError"]
        text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(errors[0].traceback))
        assert "----> 3" in text and "nbcache/" not in text


def test_a_cell_that_another_key_has_signed_is_a_plain_miss(tmp_path):
    cell = "%%cache_cell signed\nx = [1]\nx"
    with live() as nb:
        nb(cell)
    with live(NBCACHE_KEY_FILE=str(tmp_path / "another")) as nb:
        shown = nb(cell)
    assert not shown.hit and shown.err == "" and shown.value == "[1]"


def test_a_notebook_s_progress_bar_comes_back_full_in_a_new_kernel():
    cell = "%%cache_cell bar\nfrom tqdm.notebook import tqdm\nfor n in tqdm(range(4), desc='steps'): pass"
    with live() as nb:
        nb(cell)
    with live() as nb:
        again = nb(cell)
    assert again.hit and "100%" in str(again.outputs[-1]["data"]["text/plain"]) and len(again.outputs) == 1


@pytest.mark.parametrize("run_all", ["nbconvert", "papermill"])
def test_a_notebook_that_a_program_runs_again_is_restored(run_all, tmp_path):
    pytest.importorskip(run_all)
    cells = ["%load_ext nbcache\n%cache_cells on --min-time 0s", "import os\nx = os.getpid()\nprint('by', x)\nx"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "once.ipynb")
    commands = {
        "nbconvert": ["-m", "nbconvert", "--execute", "--to", "notebook", "once.ipynb", "--output", "done.ipynb"],
        "papermill": ["-m", "papermill", "-k", "python3", "once.ipynb", "done.ipynb"],
    }
    found = []
    for _ in range(2):
        subprocess.run([sys.executable, *commands[run_all]], check=True, cwd=tmp_path, env=environment())
        found.append(nbformat.read(tmp_path / "done.ipynb", 4).cells[-1].outputs)
    assert [restored(outputs) for outputs in found] == [False, True]
    assert seen(found[0]) == seen(found[1])


def test_a_failing_cell_stops_the_run():
    with live(allow_errors=False) as nb, pytest.raises(CellExecutionError, match="mine"):
        nb("%%cache_cell\nraise ValueError('mine')")


def test_a_widget_keeps_its_view_while_its_model_lives():
    cell = "%%cache_cell w --ignore kept\nimport ipywidgets\nkept.append(ipywidgets.IntSlider(3))\ndisplay(kept[-1])"
    _, first, second = run("kept = []", cell, cell)
    view = "application/vnd.jupyter.widget-view+json"
    assert [view in output.data for output in first] == [True]
    assert [view in output.data for output in second if not ours(output)] == [True]


class Kernel:
    """A kernel that can be interrupted, and asked while another one runs."""

    def __init__(self):
        # By files, not ports: one that is free when it is chosen may be another's when the kernel takes it.
        self.manager = KernelManager(kernel_name="python3", transport="tcp" if os.name == "nt" else "ipc")
        self.manager.start_kernel(env=environment())
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        assert not said(self.run("%load_ext nbcache"), "Error")

    def begin(self, source, until):
        """Start a cell, and return when it has shown a text."""
        request = self.client.execute(source)
        while until not in str(self._message(request)["content"].get("text", "")):
            pass
        return request

    def end(self, request):
        """Wait for the end of a cell; return what it still showed."""
        shown = []
        while True:
            message = self._message(request)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return shown
            if message["msg_type"] != "status":
                shown.append(message["content"])

    def run(self, source):
        return self.end(self.client.execute(source))

    def _message(self, request):
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") == request:
                return message

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernels():
    started = []

    def start():
        started.append(Kernel())
        return started[-1]

    yield start
    for kernel in started:
        kernel.stop()


def said(shown, text):
    return any(text in str(content) for content in shown)


def test_an_interrupted_cell_keeps_nothing_and_the_kernel_goes_on(kernels):
    kernel = kernels()
    cell = "%%cache_cell slow\nimport time\nx = 1\nprint('begun', flush=True)\nif wait: time.sleep(60)"
    kernel.run("wait = True")
    request = kernel.begin(cell, until="begun")
    kernel.manager.interrupt_kernel()
    shown = kernel.end(request)
    assert [content["ename"] for content in shown if "ename" in content] == ["KeyboardInterrupt"]
    assert said(kernel.run("%cache_info slow"), "not a cached function or cell")
    kernel.run("wait = False")
    assert not said(kernel.run(cell), "restored")
    assert said(kernel.run(cell), "restored")


def test_a_result_survives_the_kill_of_its_kernel_as_soon_as_the_prompt_is_back(kernels):
    cell = "%%cache_cell kept\nimport os\nx = os.getpid()\nx"
    one = kernels()
    first = one.run(cell)
    one.manager.provisioner.process.kill()
    again = kernels().run(cell)
    assert said(again, "restored")
    values = [
        content["data"]["text/plain"]
        for shown in (first, again)
        for content in shown
        if "data" in content and "execution_count" in content
    ]
    assert values[0] == values[1]


def test_two_kernels_run_one_cell_once(kernels, tmp_path):
    cell = (
        "%%cache_cell shared\nimport os, time\nprint('begun', flush=True)\n"
        f"while not os.access({str(tmp_path / 'go')!r}, os.F_OK): time.sleep(0.01)\nx = os.getpid()\nprint(x)"
    )
    one, other = kernels(), kernels()
    first = one.begin(cell, until="begun")
    second = other.client.execute(cell)
    (tmp_path / "go").touch()
    one.end(first)
    shown = other.end(second)
    assert said(shown, "restored")
    values = [
        content["data"]["text/plain"] for kernel in (one, other) for content in kernel.run("x") if "data" in content
    ]
    assert values[0] == values[1]


VIEW = "application/vnd.jupyter.widget-view+json"
INSIDE = """%%cache_cell inside
import ipywidgets
page = ipywidgets.Output()
print("before")
display(page)
with page:
    print("caught"); display("rich")
print("after")
del page"""
INTERACTIVE = """%%cache_cell interactive
import ipywidgets
chosen = ipywidgets.interactive(lambda depth: print("depth", depth), depth=3)
display(chosen)
chosen.children[0].value = 4
del chosen"""


def test_what_is_shown_inside_of_an_output_widget_is_not_doubled():
    with live() as nb:
        for cell in (INSIDE, INTERACTIVE):
            first, second = nb(cell), nb(cell)
            assert second.hit and [VIEW in output.get("data", {}) for output in second.outputs].count(True) == 1
            assert second.out == first.out and "caught" not in second.out and "depth" not in second.out


def test_what_was_shown_inside_of_an_output_widget_takes_its_place_in_a_new_kernel(folder):
    with live() as nb:
        nb(INSIDE)
        nb(INTERACTIVE)
    with live() as nb:
        again, chosen = nb(INSIDE), nb(INTERACTIVE)
    assert again.hit and chosen.hit
    assert [kind for kind, _ in seen(again.every)] == ["stdout", "display_data", "stdout"]
    assert again.out == "before\ncaught\nafter\n"
    assert "depth 4\n" in chosen.out and "depth 3" not in chosen.out
    assert chosen.outputs[0]["data"]["text/plain"].startswith("interactive(")


def test_an_older_output_widget_is_written_again_by_a_hit():
    cell = "%%cache_cell older --ignore page\nwith page:\n    print('once more')\nprint('beside')"
    with live() as nb:
        nb("import ipywidgets\npage = ipywidgets.Output()\npage")
        first, second = nb(cell), nb(cell)
        assert second.hit and second.out == first.out == "beside\n"
        assert nb.eval("''.join(one['text'] for one in page.outputs)") == "'once more\\nonce more\\n'"
        assert nb.eval("ipywidgets.Output.__enter__.__module__") == "'ipywidgets.widgets.widget_output'"


def test_a_restored_figure_is_drawn_by_later_cells_as_it_was():
    cells = [
        "%%cache_cell drawn\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(1, 1))\nax.plot([1, 2])",
        "ax.set_title('later')\nfig",
    ]
    first, second = run(*cells), run(*cells)
    assert restored(second[0]) and seen(first[0]) == seen(second[0])
    pictures = ["image/png" in output.get("data", {}) for outputs in (first[1], second[1]) for output in outputs]
    assert pictures and all(pictures)


def test_a_submodule_that_a_restored_cell_imported_is_there():
    cells = ["%%cache_cell tree\nimport xml.etree.ElementTree\nx = 1", "xml.etree.ElementTree.fromstring('<a/>').tag"]
    first, second = run(*cells), run(*cells)
    assert restored(second[0]) and seen(first[1]) == seen(second[1]) == [("execute_result", {"text/plain": "'a'"})]
