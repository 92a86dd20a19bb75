"""What cannot be read is refused by name and place; open files count by what they hold."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hashed import Model

from nbcache.errors import UnhashableValueError
from nbcache.hashing.hasher import digest

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
