"""Hostile files: streams that run something once they are unpickled, every dress of an entry, every kind of file."""

from __future__ import annotations

import importlib
import io
import operator
import os
import pickle
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nbcache.entries import layout
from nbcache.entries.entry import Address, Meta
from nbcache.entries.meta import facts_of
from nbcache.entries.signing import Keyring

_KEY, _PREFIX = 16, 24  # where the id of the key is in an entry, and the header


class Runs:
    """Calls something when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *args: Any) -> None:
        self.call = call
        self.args = args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call, self.args


def streams(canary: str) -> dict[str, bytes]:
    """Pickle streams, by what they do; those that run code make the file `canary`."""
    touch = f"touch '{canary}'"
    write = f"open({canary!r}, 'w').close()"
    objects = np.empty(2, dtype=object)
    objects[:] = [Runs(os.system, touch), None]
    npy = io.BytesIO()
    np.save(npy, objects, allow_pickle=True)
    made = {
        "os.system": Runs(os.system, touch),
        "subprocess": Runs(subprocess.Popen, ["touch", canary]),
        "exec": Runs(exec, write),
        "eval": Runs(eval, f"open({canary!r}, 'w')"),
        "open for writing": Runs(open, canary, "w"),
        "deep in containers": {"a": [({"b": Runs(os.system, touch)},)]},
        "numpy object array": objects,
        "numpy file in a stream": Runs(_load_npy, npy.getvalue()),
        "pandas frame of objects": pd.DataFrame({"a": [Runs(os.system, touch)]}),
        "pandas reads a pickle": Runs(pd.read_pickle, io.BytesIO(pickle.dumps(Runs(os.system, touch)))),
        "a pickle in a pickle": Runs(pickle.loads, pickle.dumps(Runs(os.system, touch))),
        "an attribute of a module": Runs(operator.methodcaller("system", touch), os),
        "an import": Runs(importlib.import_module, "planted_module"),
        "memory by a constructor": Runs(bytearray, 1 << 44),
        "memory by repetition": Runs(operator.mul, b"x" * 1000, 1 << 34),
    }
    found = {name: _dumps(value) for name, value in made.items()}
    found["protocol 0"] = b"cos\nsystem\n(S" + repr(touch).encode() + b"\ntR."
    found["cloudpickle"] = _cloudpickled(canary)
    found["deep nesting"] = b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b"."
    found["a length that is a lie"] = b"\x80\x04\x8e" + struct.pack("<Q", 1 << 50) + b"x."
    found["a memo that doubles"] = b"\x80\x04](h\x00" + b"h\x00" * 40 + b"e."
    found["nothing of pickle"] = os.urandom(100)
    return found


def _load_npy(content: bytes) -> Any:
    return np.load(io.BytesIO(content), allow_pickle=True)


def _dumps(value: object) -> bytes:
    if not isinstance(value, Runs) or not isinstance(value.call, operator.methodcaller):
        return pickle.dumps(value, protocol=5)
    # A module itself cannot be pickled; the import of one can.
    return pickle.dumps(Runs(value.call, Runs(importlib.import_module, "os")), protocol=5)


def _cloudpickled(canary: str) -> bytes:
    import cloudpickle

    def touches() -> None:
        open(canary, "w").close()

    return bytes(cloudpickle.dumps(Runs(_call, touches)))


def _call(function: Callable[[], Any]) -> Any:
    return function()


def envelope(stream: bytes, address: Address, keyring: Keyring, kind: str = "value", parts: bytes = b"") -> bytes:
    """A whole entry around a stream, signed with a key."""
    meta = Meta(address.owner, "", 1_700_000_000.0, None, 1.0, kind)
    facts = {**facts_of(meta, address), "recipe": "load"}
    head, zeros = layout.compose(facts, (b"", parts, b"", b"", stream), 0, b"", keyring)
    return head + parts + stream + zeros


def dresses(stream: bytes, address: Address, genuine: bytes, ours: str, stranger: Keyring) -> dict[str, bytes]:
    """What an attacker who can write files, and has no key of ours, can make of a stream.

    Parameters
    ----------
    genuine : the bytes of our own entry at this address
    ours : the id of our key, which is no secret
    """
    theirs = envelope(stream, address, stranger)
    in_our_name = theirs[:_KEY] + bytes.fromhex(ours) + theirs[_PREFIX:]
    unsigned = in_our_name[: _PREFIX + _header_length(theirs)] + bytes(32) + stream
    body = _PREFIX + _header_length(genuine) + 32
    return {
        "bare": stream,
        "unsigned": unsigned,
        "of another key": theirs,
        "of another key in our name": in_our_name,
        "spliced behind our header": genuine[:body] + stream,
        "behind our entry": genuine + stream,
        "over the end of our entry": (genuine[: max(body, len(genuine) - len(stream))] + stream)[: len(genuine)],
        "of an older format": genuine[:8] + struct.pack("<H", 0) + stream,
    }


def _header_length(entry: bytes) -> int:
    return int(struct.unpack_from("<I", entry, 12)[0])


def hostile_files(elsewhere: Path) -> dict[str, Callable[[Path], None]]:
    """What can lie in the place of a genuine entry, other than a file that was altered.

    Parameters
    ----------
    elsewhere : a folder outside of the store
    """

    def link_to(target: Callable[[Path], object]) -> Callable[[Path], None]:
        def plant(path: Path) -> None:
            aim = target(path)
            path.unlink(missing_ok=True)
            path.symlink_to(str(aim))

        return plant

    def moved(path: Path) -> Path:
        return Path(os.rename(path, elsewhere / path.name) or elsewhere / path.name)

    def replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
        def plant(path: Path) -> None:
            path.unlink()
            make(path)

        return plant

    def folder_with(path: Path) -> None:
        path.mkdir()
        (path / "inside").write_text("kept")

    def listening(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as plug:
            here = os.getcwd()
            os.chdir(path.parent)  # the names of sockets are short
            try:
                plug.bind(path.name)
            finally:
                os.chdir(here)

    return {
        "a link to our own entry, moved out": link_to(moved),
        "a link to an endless file": link_to(lambda path: "/dev/zero"),
        "a link to nothing": link_to(lambda path: elsewhere / "nothing"),
        "a link to itself": link_to(lambda path: path.name),
        "a second name of the file": lambda path: os.link(path, elsewhere / f"second-{path.name}"),
        "a pipe": replaced(lambda path: os.mkfifo(path, 0o600)),
        "a socket": replaced(listening),
        "an empty folder": replaced(lambda path: path.mkdir()),
        "a folder with something in it": replaced(folder_with),
        "an empty file": lambda path: path.write_bytes(b""),
        "one byte": lambda path: path.write_bytes(b"\x89"),
        "the prefix alone": lambda path: path.write_bytes(path.read_bytes()[:_PREFIX]),
        "all but the last byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
        "one byte more": lambda path: path.write_bytes(path.read_bytes() + b"\x00"),
        "a huge file with holes": lambda path: os.truncate(path, 1 << 40),
        "a file that may not be read": lambda path: os.chmod(path, 0o000),
    }
