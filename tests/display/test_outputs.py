"""Outputs are heard as they happen, kept in order, folded, and shown again."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import clear_output, display, update_display
from IPython.utils.capture import capture_output
from processes import python_path
from threads import in_thread

from nbcache.notebook.display import patches, subscriptions
from nbcache.notebook.display.coalescing import coalesce, coalesce_text
from nbcache.notebook.display.outputs import record, replay


@pytest.fixture
def ip():
    shell = InteractiveShell.instance()
    yield shell
    shell.reset()


def events(recording):
    data = recording.to_bytes()
    return json.loads(data) if data else []


class TestRecord:
    def test_streams_and_displays_keep_their_order(self, ip):
        with record("all") as recording:
            print("a")
            display({"text/plain": "one"}, raw=True)
            print("b", file=sys.stderr)
            print("c")
        assert [event[0] for event in events(recording)] == ["stdout", "display", "stderr", "stdout"]

    def test_what_a_terminal_prints_for_a_display_is_not_heard_twice(self, ip):
        with record("all") as recording:
            display({"text/plain": "only once"}, raw=True)
        assert [event[0] for event in events(recording)] == ["display"]

    def test_display_leaves_the_streams_alone(self, ip):
        before = sys.stdout
        with record("display") as recording:
            assert sys.stdout is before
            print("not kept")
            display({"text/plain": "kept"}, raw=True)
        assert [event[0] for event in events(recording)] == ["display"]

    def test_nothing_shown_is_no_bytes(self, ip):
        with record("all") as recording:
            pass
        assert recording.to_bytes() == b""

    def test_nothing_is_left_behind(self, ip):
        before = sys.stdout, sys.stderr, threading.Thread.start
        with record("cell"), record("all"):
            print("x")
        assert (sys.stdout, sys.stderr, threading.Thread.start) == before
        assert "publish" not in vars(ip.display_pub)
        assert "write_format_data" not in vars(ip.displayhook)
        assert not patches._patches and not subscriptions._open

    def test_an_error_leaves_nothing_behind_either(self, ip):
        before = sys.stdout
        with contextlib.suppress(KeyError), record("all"):
            raise KeyError
        assert sys.stdout is before and not patches._patches

    def test_output_is_live_while_it_is_recorded(self, ip, capsys):
        with record("all"):
            print("now")
            assert capsys.readouterr().out == "now\n"

    def test_nested_recordings_all_hear(self, ip):
        with record("all") as outer:
            print("1")
            with record("all") as inner:
                print("2")
            print("3")
        assert events(outer) == [["stdout", "1\n2\n3\n"]]
        assert events(inner) == [["stdout", "2\n"]]

    def test_captured_output_is_not_the_outer_recordings(self, ip):
        with record("all") as outer:
            with contextlib.redirect_stdout(io.StringIO()) as captured:
                with record("all") as inner:
                    print("hidden")
        assert events(outer) == []
        assert events(inner) == [["stdout", "hidden\n"]]
        assert captured.getvalue() == "hidden\n"

    def test_ipython_capture_inside_and_outside(self, ip):
        with capture_output() as captured:
            with record("all") as recording:
                print("text")
                display({"text/plain": "rich"}, raw=True)
        assert [event[0] for event in events(recording)] == ["stdout", "display"]
        assert captured.stdout == "text\n" and len(captured.outputs) == 1
        with record("all") as recording:
            with capture_output():
                print("text")
                display({"text/plain": "rich"}, raw=True)
        assert events(recording) == []

    def test_bytes_in_a_display_survive(self, ip):
        with record() as recording:
            display({"image/png": b"\x89PNG\x00\xff", "text/plain": "p"}, raw=True)
        with record() as again:
            replay(recording.to_bytes(), "display")
        assert again._events()[0][1]["image/png"] == b"\x89PNG\x00\xff"

    def test_later_changes_of_a_bundle_are_not_recorded(self, ip):
        bundle = {"text/plain": "then"}
        with record() as recording:
            display(bundle, raw=True)
            bundle["text/plain"] = "now"
        assert events(recording)[0][1] == {"text/plain": "then"}


class TestWhoIsHeard:
    def test_a_thread_that_was_there_before_is_not(self, ip):
        go, done = threading.Event(), threading.Event()

        def bystander():
            go.wait()
            print("not mine")
            done.set()

        thread = threading.Thread(target=bystander)
        thread.start()
        with record("all") as recording:
            go.set()
            done.wait()
            print("mine")
        thread.join()
        assert events(recording) == [["stdout", "mine\n"]]

    def test_a_thread_started_meanwhile_is_and_its_threads_too(self, ip):
        with record("all") as recording:
            in_thread(lambda: in_thread(lambda: print("grandchild")))
        assert events(recording) == [["stdout", "grandchild\n"]]

    def test_two_recording_threads_do_not_mix(self, ip):
        both = threading.Barrier(2)
        heard = {}

        def work(name):
            with record("all") as recording:
                both.wait()
                for _ in range(50):
                    print(name)
                both.wait()
            heard[name] = events(recording)

        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert heard == {"a": [["stdout", "a\n" * 50]], "b": [["stdout", "b\n" * 50]]}

    async def test_two_recording_tasks_do_not_mix(self, ip):
        async def work(name):
            with record("all") as recording:
                for _ in range(3):
                    print(name)
                    await asyncio.sleep(0)
            return events(recording)

        assert await asyncio.gather(work("a"), work("b")) == [
            [["stdout", "a\na\na\n"]],
            [["stdout", "b\nb\nb\n"]],
        ]

    def test_a_thread_that_outlives_the_recording_goes_on_printing_unheard(self, ip):
        go = threading.Event()
        with record("all") as recording:
            thread = threading.Thread(target=lambda: (go.wait(), print("late")))
            thread.start()
        go.set()
        thread.join()
        assert events(recording) == []

    def test_what_is_unheard_is_shown_and_not_kept(self, ip, capsys):
        with record("all") as recording:
            with subscriptions.unrecorded():
                print("aside")
                in_thread(lambda: print("aside too"))
        assert recording.to_bytes() == b"" and capsys.readouterr().out == "aside\naside too\n"


class TestFold:
    @pytest.mark.parametrize(
        ("text", "seen"),
        [
            ("a\rb\n", "b\n"),
            ("\r 10%\r100%\n", "\r100%\n"),
            ("long line\rshort\n", "shortline\n"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("\x1b[1mbold\x1b[0m\rnext\n", "next\n"),
            ("one\r", "one\r"),
            ("up\x1b[A\rand down", "up\x1b[A\rand down"),
            ("no return", "no return"),
        ],
    )
    def test_carriage_returns(self, text, seen):
        assert coalesce_text(text) == seen

    def test_an_update_changes_the_display_where_it_stands(self):
        shown = ["display", {"text/plain": "0"}, {}, "id"]
        update = ["update", {"text/plain": "9"}, {"m": 1}, "id"]
        assert coalesce([shown, ["stdout", "x"], update]) == [
            ["display", {"text/plain": "9"}, {"m": 1}, "id"],
            ["stdout", "x"],
        ]

    def test_an_update_of_an_older_display_is_kept_once(self):
        updates = [["update", {"text/plain": str(n)}, {}, "elsewhere"] for n in range(3)]
        assert coalesce(updates) == [updates[-1]]

    def test_cleared_output_is_gone(self):
        shown = coalesce([["stdout", "a"], ["clear", False], ["stdout", "b"]])
        assert shown == [["clear", False], ["stdout", "b"]]

    def test_waiting_to_clear_ends_with_the_next_output(self):
        assert coalesce([["stdout", "a"], ["clear", True]]) == [["stdout", "a"], ["clear", True]]
        assert coalesce([["stdout", "a"], ["clear", True], ["stdout", "b"]]) == [["clear", True], ["stdout", "b"]]

    def test_a_cleared_display_cannot_be_updated(self):
        shown, update = ["display", {}, {}, "id"], ["update", {"text/plain": "9"}, {}, "id"]
        assert coalesce([shown, ["clear", False], update]) == [["clear", False]]

    def test_displays_of_a_shell_are_folded(self, ip):
        with record() as recording:
            for n in range(3):
                clear_output(wait=True)
                display({"text/plain": str(n)}, raw=True, display_id="bar")
            update_display({"text/plain": "end"}, raw=True, display_id="bar")
        assert events(recording) == [["clear", True], ["display", {"text/plain": "end"}, {}, "bar"]]


class TestReplay:
    def recorded(self):
        with record("all") as recording:
            print("out")
            display({"text/plain": "rich"}, raw=True)
            print("err", file=sys.stderr)
        return recording.to_bytes()

    def test_everything_in_order(self, ip):
        data = self.recorded()
        with record("all") as again:
            replay(data, "all")
        assert again.to_bytes() == data

    def test_only_displays(self, ip, capsys):
        data = self.recorded()
        capsys.readouterr()
        replay(data, "display")
        assert capsys.readouterr() == ("rich\n", "")

    def test_nothing(self, ip, capsys):
        data = self.recorded()
        capsys.readouterr()
        replay(data, "none")
        replay(b"", "all")
        assert capsys.readouterr() == ("", "")

    def test_a_replay_inside_a_recording_is_recorded(self, ip):
        data = self.recorded()
        with record("display") as outer:
            replay(data, "all")
        assert events(outer) == [["display", {"text/plain": "rich"}, {}, None]]

    def test_the_view_of_a_lost_widget_is_left_out(self, ip):
        bundle = {"text/plain": "Slider", "application/vnd.jupyter.widget-view+json": {"model_id": "gone"}}
        with record() as recording:
            display(bundle, raw=True)
        with record() as again:
            replay(recording.to_bytes(), "display")
        assert events(again)[0][1] == {"text/plain": "Slider"}


class TestFigures:
    @pytest.fixture
    def inline(self, ip):
        pytest.importorskip("matplotlib")
        import matplotlib

        before = matplotlib.get_backend()
        matplotlib.use("module://matplotlib_inline.backend_inline")
        import matplotlib.pyplot as plt

        plt.ion()
        plt.close("all")
        yield plt
        plt.close("all")
        matplotlib.use(before)

    def test_a_figure_is_kept_and_closed(self, inline):
        with record() as recording:
            inline.plot([1, 2])
        assert [event[0] for event in events(recording)] == ["display"]
        assert not inline.get_fignums()

    def test_the_callers_own_figure_stays_open(self, inline):
        mine = inline.figure()
        with record() as recording:
            inline.figure()
        assert len(events(recording)) == 1
        assert inline.get_fignums() == [mine.number]


SCRIPT = """
import sys
from nbcache.notebook.display.outputs import record, replay
with record("all") as recording:
    print("out")
    print("err", file=sys.stderr)
with record("display") as silent:
    print("more")
assert silent.to_bytes() == b""
replay(recording.to_bytes(), "all")
assert "IPython" not in sys.modules, "IPython was imported"
"""


def test_a_plain_script_has_streams_and_no_ipython():
    environment = {**os.environ, "PYTHONPATH": python_path()}
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stdout, run.stderr) == (0, "out\nmore\nout\n", "err\nerr\n")


def test_a_recorded_print_costs_a_few_microseconds():
    def prints():
        began = time.thread_time()
        for number in range(50_000):
            print(number)
        return time.thread_time() - began

    with contextlib.redirect_stdout(io.StringIO()):
        plain = min(prints() for _ in range(2))
        with record("all") as recording:
            recorded = prints()
    assert (recorded - plain) / 50_000 < 15e-6
    assert len(recording.to_bytes()) > 250_000
