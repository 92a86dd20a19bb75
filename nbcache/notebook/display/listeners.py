"""Listen to what a kernel shows, without delaying or changing it.

Output leaves a kernel through four objects: the two streams, the display publisher and the display hook.
While somebody listens, the methods of exactly those objects are replaced; the last listener puts everything
back, so that nothing is left of this room while no recording runs.

Who hears an event is decided by where it happens: the listeners opened by this thread or task, those of the
code that started this thread, and nobody else. Output of C code arrives on ipykernel's own watcher threads,
which belong to nobody: only listeners that everything open now is nested in receive it.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Protocol

__all__ = ["Listener", "current_shell", "listen", "unrecorded"]


class Listener(Protocol):
    """Something that hears events; called from any thread, right after the output itself."""

    def stream(self, name: str, text: str) -> None: ...
    def display(self, kind: str, data: dict[str, Any], metadata: dict[str, Any], display_id: str | None) -> None: ...
    def clear(self, wait: bool) -> None: ...
    def result(self, data: dict[str, Any], metadata: dict[str, Any], value: object) -> None: ...


_Subscription = tuple[Listener, frozenset[int]]
_subscriptions: contextvars.ContextVar[tuple[_Subscription, ...] | None] = contextvars.ContextVar(
    "nbcache_subscriptions", default=None
)
_inherited: weakref.WeakKeyDictionary[threading.Thread, tuple[_Subscription, ...]] = weakref.WeakKeyDictionary()
_lock = threading.RLock()
_patches: dict[int, _Patch] = {}
_open_subscriptions: list[tuple[_Subscription, ...]] = []


def current_shell() -> Any | None:
    """Return the running IPython shell; `None` outside IPython, which is not imported to find out."""
    module = sys.modules.get("IPython.core.interactiveshell")
    if module is None:
        return None
    shells = getattr(module, "InteractiveShell", None)
    return shells.instance() if shells is not None and shells.initialized() else None


def _listening() -> tuple[_Subscription, ...]:
    subscriptions = _subscriptions.get()
    return _inherited.get(threading.current_thread(), ()) if subscriptions is None else subscriptions


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """Keep what this thread or task shows meanwhile from all listeners, and what the threads it starts show."""
    token = _subscriptions.set(())
    try:
        yield
    finally:
        _subscriptions.reset(token)


class _Patch:
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
            # Someone who wrapped our method meanwhile keeps a chain that still works, and finds no subscriptions.
            if vars(self.target).get(name) is ours:
                if before is _ABSENT:
                    delattr(self.target, name)
                else:
                    setattr(self.target, name, before)


_ABSENT: Any = object()


_MARK = "\0"


def _common(chains: list[tuple[_Subscription, ...]]) -> tuple[_Subscription, ...]:
    """Return the listeners that all of these begin with."""
    same = itertools.takewhile(lambda level: len(set(map(id, level))) == 1, zip(*chains, strict=False))
    return tuple(level[0] for level in same)


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


class _StreamPatch(_Patch):
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
        name, get, watcher = self.name, _subscriptions.get, self.watcher

        def listened(text: str) -> Any:
            subscriptions = get()
            if subscriptions is None:
                thread = threading.current_thread()
                if thread is watcher:
                    text, subscriptions = self._from_c(text)
                else:
                    subscriptions = _inherited.get(thread, ())
            written = write(text)
            for listener, patches in subscriptions:
                if patch in patches:
                    listener.stream(name, text)
            return written

        return listened

    def _from_c(self, text: str) -> tuple[str, tuple[_Subscription, ...]]:
        with _lock:
            subscriptions = _common(_open_subscriptions)
        if _MARK in text:
            text = text.replace(_MARK, "")
            self.drained.set()
        return text, subscriptions if text else ()

    def drain(self) -> None:
        """Wait until what C code wrote so far has been listened.

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


class _PublisherPatch(_Patch):
    """A patch on the display publisher: rich displays, their updates, and cleared output."""

    def __init__(self, publisher: Any) -> None:
        super().__init__(publisher)
        self.replace("publish", self._publish)
        self.replace("clear_output", self._clear)

    @staticmethod
    def _publish(publish: Callable[..., Any], patch: int) -> Callable[..., Any]:
        def listened(data: Any, metadata: Any = None, *args: Any, **options: Any) -> Any:
            subscriptions = _listening()
            with unrecorded():  # a terminal prints what it displays
                published = publish(data, metadata, *args, **options)
            kind = "update" if options.get("update") else "display"
            display_id = (options.get("transient") or {}).get("display_id")
            for listener, patches in subscriptions:
                if patch in patches:
                    listener.display(kind, dict(data), dict(metadata or {}), display_id)
            return published

        return listened

    @staticmethod
    def _clear(clear_output: Callable[..., Any], patch: int) -> Callable[..., Any]:
        def listened(wait: bool = False) -> Any:
            subscriptions = _listening()
            with unrecorded():
                cleared = clear_output(wait)
            for listener, patches in subscriptions:
                if patch in patches:
                    listener.clear(bool(wait))
            return cleared

        return listened


class _HookPatch(_Patch):
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
            subscriptions = _listening()
            with unrecorded():
                written = write(data, metadata)
            value, self._value = self._value, None
            for listener, patches in subscriptions:
                if patch in patches:
                    listener.result(dict(data), dict(metadata or {}), value)
            return written

        return listened


class _SystemPatch(_Patch):
    """A patch on the `!command` of a terminal, whose output would pass by all streams: it comes through a pipe."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.replace("system", lambda system, patch: shell.system_piped)


class _ThreadPatch(_Patch):
    """A patch on `threading.Thread`: a thread inherits the listeners of the code that started it."""

    def __init__(self) -> None:
        super().__init__(threading.Thread)
        self.replace("start", self._start)

    @staticmethod
    def _start(start: Callable[[threading.Thread], None], patch: int) -> Callable[[threading.Thread], None]:
        def inheriting(thread: threading.Thread) -> None:
            subscriptions = _listening()
            if subscriptions:
                _inherited[thread] = subscriptions
            start(thread)

        return inheriting


def _stream_named(name: str) -> Callable[[], _Patch | None]:
    def make() -> _Patch | None:
        stream = getattr(sys, name)
        return None if stream is None else _StreamPatch(name, stream)

    return make


def _taken(target: Any, make: Callable[[], _Patch | None]) -> _Patch | None:
    """Take the patch on `target`, made when nobody listens to it yet. The lock is held."""
    patch = _patches.get(id(target)) or make()
    if patch is not None:
        _patches[id(patch.target)] = patch
        patch.users += 1
    return patch


def _drain(patches: list[_Patch]) -> None:
    for patch in patches:
        if isinstance(patch, _StreamPatch):
            patch.drain()


@contextlib.contextmanager
def listen(listener: Listener, *, streams: bool, displays: bool, results: bool) -> Iterator[None]:
    """Send to `listener` what this thread or task shows from now on, and what the threads it starts show."""
    shell = current_shell()
    outer = _listening()
    with _lock:
        taken = [_taken(threading.Thread, _ThreadPatch)]
        if streams:
            taken += [_taken(getattr(sys, name), _stream_named(name)) for name in ("stdout", "stderr")]
        if displays and shell is not None:
            publisher, hook = shell.display_pub, shell.displayhook
            taken.append(_taken(publisher, lambda: _PublisherPatch(publisher)))
            if results:
                taken.append(_taken(hook, lambda: _HookPatch(hook)))
                if _patches.get(id(shell)) or getattr(shell.system, "__name__", "") == "system_raw":
                    taken.append(_taken(shell, lambda: _SystemPatch(shell)))
        patches = [patch for patch in taken if patch is not None]
    if not outer:
        _drain(patches)  # what was written before is not ours
    with _lock:
        chain = (*outer, (listener, frozenset(id(patch.target) for patch in patches)))
        if outer in _open_subscriptions:
            _open_subscriptions.remove(outer)
        _open_subscriptions.append(chain)
    token = _subscriptions.set(chain)
    try:
        yield
    finally:
        _drain(patches)
        _subscriptions.reset(token)
        with _lock:
            _open_subscriptions.remove(chain)
            if outer and not any(other[: len(outer)] == outer for other in _open_subscriptions):
                _open_subscriptions.append(outer)
            for patch in patches:
                patch.users -= 1
                if not patch.users:
                    del _patches[id(patch.target)]
                    patch.remove()
