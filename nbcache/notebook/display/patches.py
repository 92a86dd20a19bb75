"""The methods that are replaced while somebody listens, so that listeners are told of what a kernel shows.

Output leaves a kernel through five objects: the two streams, the display publisher, the display hook, and the shell,
which shows tracebacks. While somebody listens, the methods of exactly those objects are replaced; the last listener
puts everything back, so that nothing is left of this room while no recording runs.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbcache.notebook.display.subscriptions import (
    Subscriptions,
    common_subscriptions,
    inherit,
    inherited,
    own_subscriptions,
    subscriptions,
    unrecorded,
)

__all__ = ["Patch", "drain", "release", "take"]

_ABSENT: Any = object()
_MARK = "\0"

_lock = threading.RLock()
_patches: dict[int, Patch] = {}


class Patch:
    """The replaced methods of one object, and how many listeners need them."""

    def __init__(self, target: Any) -> None:
        self.target = target
        self.users = 0
        self._replaced: dict[str, tuple[Any, Any]] = {}

    def replace(self, name: str, make: Callable[[Any, int], Any]) -> None:
        ours = make(getattr(self.target, name), id(self.target))
        before = vars(self.target).get(name, _ABSENT)
        setattr(self.target, name, ours)
        self._replaced[name] = (ours, before)

    def remove(self) -> None:
        for name, (ours, before) in self._replaced.items():
            # Someone who wrapped our method meanwhile keeps one that still works, and tells nobody.
            if vars(self.target).get(name) is ours:
                if before is _ABSENT:
                    delattr(self.target, name)
                else:
                    setattr(self.target, name, before)


def _replaceable(stream: Any) -> bool:
    """Tell whether the `write` of this stream can be replaced; the C streams of a terminal refuse."""
    try:
        before = vars(stream).get("write", _ABSENT)
        stream.write = stream.write
        if before is _ABSENT:
            del stream.write
    except (AttributeError, TypeError):
        return False
    return True


class _Stream:
    """Stands in `sys.stdout` or `sys.stderr` for a stream whose `write` cannot be replaced."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.write: Callable[[str], Any] = stream.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stream)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)


class _StreamPatch(Patch):
    """A patch on a stream; C code's output has reached it once `drain` returns."""

    def __init__(self, name: str, stream: Any) -> None:
        self.name = name
        self.drained = threading.Event()
        self.watcher = getattr(stream, "watch_fd_thread", None)
        if not _replaceable(stream):
            stream = _Stream(stream)
            setattr(sys, name, stream)
        super().__init__(stream)
        self.replace("write", self._write)

    def _write(self, write: Callable[[str], Any], patch: int) -> Callable[[str], Any]:
        name, get, watcher = self.name, own_subscriptions, self.watcher

        def listened(text: str) -> Any:
            here = get()
            if here is None:
                thread = threading.current_thread()
                if thread is watcher:
                    text, here = self._from_c(text)
                else:
                    here = inherited(thread)
            written = write(text)
            for listener, objects in here:
                if patch in objects:
                    listener.stream(name, text)
            return written

        return listened

    def _from_c(self, text: str) -> tuple[str, Subscriptions]:
        here = common_subscriptions()
        if _MARK in text:
            text = text.replace(_MARK, "")
            self.drained.set()
        return text, here if text else ()

    def drain(self) -> None:
        """Wait until listeners were told of what C code wrote so far.

        A mark is sent down the same pipe; the half second is for a program that points it elsewhere.
        """
        watcher = self.watcher
        if watcher is None or not watcher.is_alive() or threading.current_thread() is watcher:
            return
        self.drained.clear()
        try:
            os.write(self.target._original_stdstream_fd, _MARK.encode())
        except OSError:
            return
        self.drained.wait(0.5)

    def remove(self) -> None:
        super().remove()
        if getattr(sys, self.name, None) is self.target and isinstance(self.target, _Stream):
            setattr(sys, self.name, self.target.stream)


class _PublisherPatch(Patch):
    """A patch on the display publisher: rich displays, their updates, and cleared output."""

    def __init__(self, publisher: Any) -> None:
        super().__init__(publisher)
        self.replace("publish", self._publish)
        self.replace("clear_output", self._clear)

    @staticmethod
    def _publish(publish: Callable[..., Any], patch: int) -> Callable[..., Any]:
        def listened(data: Any, metadata: Any = None, *args: Any, **options: Any) -> Any:
            here = subscriptions()
            with unrecorded():  # a terminal prints what it displays
                published = publish(data, metadata, *args, **options)
            kind = "update" if options.get("update") else "display"
            display_id = (options.get("transient") or {}).get("display_id")
            for listener, objects in here:
                if patch in objects:
                    listener.display(kind, dict(data), dict(metadata or {}), display_id)
            return published

        return listened

    @staticmethod
    def _clear(clear_output: Callable[..., Any], patch: int) -> Callable[..., Any]:
        def listened(wait: bool = False) -> Any:
            here = subscriptions()
            with unrecorded():
                cleared = clear_output(wait)
            for listener, objects in here:
                if patch in objects:
                    listener.clear(bool(wait))
            return cleared

        return listened


class _HookPatch(Patch):
    """A patch on the display hook: the value of a cell's last expression, and how it was shown."""

    def __init__(self, hook: Any) -> None:
        super().__init__(hook)
        self._value: object = None
        self.replace("write_output_prompt", self._quiet)
        self.replace("update_user_ns", self._remember)
        self.replace("write_format_data", self._write)

    @staticmethod
    def _quiet(prompt: Callable[[], Any], patch: int) -> Callable[[], Any]:
        def silent() -> Any:
            with unrecorded():
                return prompt()

        return silent

    def _remember(self, update: Callable[[object], Any], patch: int) -> Callable[[object], Any]:
        def remembered(value: object) -> Any:
            self._value = value
            return update(value)

        return remembered

    def _write(self, write: Callable[..., Any], patch: int) -> Callable[..., Any]:
        def listened(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
            here = subscriptions()
            with unrecorded():
                written = write(data, metadata)
            value, self._value = self._value, None
            for listener, objects in here:
                if patch in objects:
                    listener.result(dict(data), dict(metadata or {}), value)
            return written

        return listened


class _ShellPatch(Patch):
    """A patch on the shell: tracebacks, and the `!command` of a terminal, which gets a pipe to pass by the streams."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.replace("_showtraceback", self._traceback)
        if getattr(shell.system, "__name__", "") == "system_raw":
            self.replace("system", lambda system, patch: shell.system_piped)

    @staticmethod
    def _traceback(show: Callable[..., Any], patch: int) -> Callable[..., Any]:
        def listened(*arguments: Any, **options: Any) -> Any:
            for listener, objects in subscriptions():
                if patch in objects:
                    listener.error()
            return show(*arguments, **options)

        return listened


class _ThreadPatch(Patch):
    """A patch on `threading.Thread`: a thread inherits the listeners of the code that started it."""

    def __init__(self) -> None:
        super().__init__(threading.Thread)
        self.replace("start", self._start)

    @staticmethod
    def _start(start: Callable[[threading.Thread], None], patch: int) -> Callable[[threading.Thread], None]:
        def inheriting(thread: threading.Thread) -> None:
            inherit(thread)
            start(thread)

        return inheriting


def _stream_named(name: str) -> Callable[[], Patch | None]:
    def make() -> Patch | None:
        stream = getattr(sys, name)
        return None if stream is None else _StreamPatch(name, stream)

    return make


def _taken(target: Any, make: Callable[[], Patch | None]) -> Patch | None:
    """Take the patch on `target`, made when nobody listens to it yet. The lock is held."""
    patch = _patches.get(id(target)) or make()
    if patch is not None:
        _patches[id(patch.target)] = patch
        patch.users += 1
    return patch


def take(shell: Any | None, *, streams: bool, displays: bool, results: bool) -> list[Patch]:
    """Take the patches that a listener needs; `release` gives them back."""
    with _lock:
        taken = [_taken(threading.Thread, _ThreadPatch)]
        if streams:
            taken += [_taken(getattr(sys, name), _stream_named(name)) for name in ("stdout", "stderr")]
        if displays and shell is not None:
            publisher, hook = shell.display_pub, shell.displayhook
            taken.append(_taken(publisher, lambda: _PublisherPatch(publisher)))
            if results:
                taken.append(_taken(hook, lambda: _HookPatch(hook)))
                taken.append(_taken(shell, lambda: _ShellPatch(shell)))
        return [patch for patch in taken if patch is not None]


def drain(patches: Iterable[Patch]) -> None:
    """Wait until listeners were told of what was written so far."""
    for patch in patches:
        if isinstance(patch, _StreamPatch):
            patch.drain()


def release(patches: Iterable[Patch]) -> None:
    """Give patches back; those that nobody needs any more are taken off."""
    with _lock:
        for patch in patches:
            patch.users -= 1
            if not patch.users:
                del _patches[id(patch.target)]
                patch.remove()
