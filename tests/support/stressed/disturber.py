"""Who damages the files of a stress run."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from pathlib import Path

import planted

from nbcache.entries.entry import Address
from nbcache.entries.section import MAPPED_FROM
from nbcache.entries.signing import Keyring

from .board import run


class Disturber:
    """Kills workers and damages files, at random; counts what it did."""

    def __init__(self, seed: int, store: Path, key: Path, canary: Path) -> None:
        self.random = random.Random(f"{seed}-disturber")
        self.store = store
        self.done: Counter[str] = Counter()
        streams = planted.streams(str(canary))
        self._streams = [stream for name, stream in streams.items() if len(stream) < 1 << 20]
        self._stranger = Keyring.ephemeral()
        self._ours = Keyring.load(key)
        self._hostile = [
            plant
            for name, plant in planted.hostile_files(run.folder / "elsewhere").items()
            # In place these cut what is mapped in a living process: `replaced` does the same under a new name.
            if name not in ("a huge file with holes", "all but the last byte", "one byte more", "an empty file",
                            "one byte", "the prefix alone", "a file that may not be read")
        ]  # fmt: skip

    def disturb(self) -> None:
        act = self.random.choice(
            [self.flip, self.flip, self.cut, self.cut, self.plant, self.plant, self.dress, self.place_something,
             self.swap, self.remove, self.scribble]
        )  # fmt: skip
        try:
            act()
            self.done[act.__name__] += 1
        except OSError:
            self.done["too late"] += 1  # it is gone, or something hostile lies there already

    def _entry(self) -> Path:
        found = list((self.store / "v1").glob("[0-9a-f]*/*/*.nbc"))
        if not found:
            raise FileNotFoundError
        return self.random.choice(found)

    def _overwrite(self, path: Path, content: bytes) -> None:
        """Put other content under a name; in place only where no living process has mapped the file.

        A file that is mapped shows to its process what is written into it: who may write there is the same user,
        and could change the process itself.
        """
        if path.lstat().st_size < MAPPED_FROM and self.random.random() < 0.5:
            with open(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "r+b", buffering=0) as file:
                os.pwrite(file.fileno(), content, 0)
                os.ftruncate(file.fileno(), len(content))
            return
        fresh = run.folder / "elsewhere" / "fresh"
        fresh.write_bytes(content)
        fresh.chmod(0o600)
        os.replace(fresh, path)

    def _content(self, path: Path) -> bytearray:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return bytearray(file.read(8 << 20))

    def flip(self) -> None:
        path = self._entry()
        content = self._content(path)
        if content:
            content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
            self._overwrite(path, bytes(content))

    def cut(self) -> None:
        path = self._entry()
        content = self._content(path)
        self._overwrite(path, bytes(content[: self.random.randrange(len(content) + 1)]))

    def plant(self) -> None:
        self._overwrite(self._entry(), self.random.choice(self._streams))

    def dress(self) -> None:
        path = self._entry()
        genuine = bytes(self._content(path))
        if len(genuine) > 100:
            address = Address("__main__.number", path.name.partition(".")[0])
            stream = self.random.choice(self._streams)
            try:
                dresses = planted.dresses(stream, address, genuine, self._ours.id, self._stranger)
            except Exception:
                return  # the genuine one was damaged already
            self._overwrite(path, self.random.choice(list(dresses.values())))

    def place_something(self) -> None:
        shutil.rmtree(run.folder / "elsewhere", ignore_errors=True)
        (run.folder / "elsewhere").mkdir(exist_ok=True)
        self.random.choice(self._hostile)(self._entry())

    def swap(self) -> None:
        one, other = self._entry(), self._entry()
        spare = run.folder / "elsewhere" / "spare"
        os.rename(one, spare)
        os.rename(other, one)
        os.rename(spare, other)

    def remove(self) -> None:
        path = self._entry()
        if self.random.random() < 0.1:
            shutil.rmtree(path.parent, ignore_errors=True)
        else:
            path.unlink()

    def scribble(self) -> None:
        """Damage what is only a hint: the count of bytes, the journals of uses."""
        names = [".usage", ".collected"]
        path = self.store / "v1" / self.random.choice(names)
        if self.random.random() < 0.5:
            path = self._entry().parent / self.random.choice(["uses", ".uses", "planted", "0" * 40 + ".nbc"])
        path.write_bytes(self.random.choice([b"", b"\xff" * 64, b"9" * 5000, self._streams[0]]))
