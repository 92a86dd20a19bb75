"""Deleting many entries at once: out of sight in one step, then one by one, in the background if that takes long."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nbcache.stores.disk.disk_usage import occupied
from nbcache.stores.disk.liveness import is_alive, name_for_now
from nbcache.stores.folders import list_kinds, list_names, make_folder, move_aside
from nbcache.stores.names import RESULT, is_journal, is_key_folder, is_owner_folder, parts_of_file

Failed = Callable[[OSError], None]
Freed = Callable[[int], object]

#: Who clears waits so many seconds for the deletion; then it goes on in the background. On some disks a hundred
#: thousand files take minutes.
PATIENCE = 1.0
#: How often a folder that does not become empty is emptied again.
_TRIES = 8


def owner_folders(base: Path | str, key_ids: tuple[str, ...] | None = None) -> Iterator[Path]:
    """The folders of owners, below the folders of the given keys or of all; OSError where that fails."""
    for key_id in list_names(base) if key_ids is None else key_ids:
        if is_key_folder(key_id):
            for name in list_names(f"{base}/{key_id}"):
                if is_owner_folder(name):
                    yield Path(base, key_id, name)


class Trash:
    """The folders of one store that were cleared and are being deleted.

    Parameters
    ----------
    place : folder for what is thrown away, on the file system of the store
    freed : told how many bytes were set free
    """

    def __init__(self, place: Path, freed: Freed) -> None:
        self._place = place
        self._freed = freed

    def throw(self, folder: Path, failed: Failed) -> set[str]:
        """Take one owner's entries out of sight, and nothing else that somebody has put there.

        Parameters
        ----------
        failed : told what could not be moved or deleted

        Returns
        -------
        The names of the results that are gone.
        """
        try:
            aside = move_aside(folder, self._place, name_for_now())
        except FileNotFoundError:
            return set()
        except OSError:
            # Nothing can be moved here; perhaps something can be deleted.
            return _names_in(_delete(folder, failed, self._freed, float("inf"))[0], folder.name)
        if os.path.islink(aside) or not os.path.isdir(aside):
            os.unlink(aside)
            return set()
        return _names_in(_give_back(aside, folder), folder.name)

    def empty(self, failed: Failed) -> None:
        """Delete what this process, or one that no longer lives, has thrown away."""
        mine = [self._place / name for name in list_names(self._place) if self._is_to_be_emptied(name)]
        until = time.monotonic() + PATIENCE
        waiting = [aside for aside in mine if not _empty(aside, failed, self._freed, until)]
        if waiting:

            def go_on() -> None:
                for aside in waiting:
                    _empty(aside, failed, self._freed, float("inf"))

            threading.Thread(target=go_on, name="nbcache-trash", daemon=True).start()

    def _is_to_be_emptied(self, name: str) -> bool:
        return name.split("-")[1:2] == [str(os.getpid())] or not is_alive(self._place / name)


def _give_back(aside: Path, folder: Path) -> list[str]:
    """Put what is not ours back to where it was; the names of what is ours."""
    ours: list[str] = []
    for name, is_folder in list_kinds(aside):
        if not _is_foreign(name, is_folder):
            ours.append(name)
            continue
        make_folder(folder)
        if not os.path.lexists(folder / name):
            os.rename(aside / name, folder / name)
    return ours


def _empty(aside: Path, failed: Failed, freed: Freed, until: float) -> bool:
    """Delete the entries in a folder, and then the folder; False if the time was not enough."""
    for _ in range(_TRIES):
        _, finished = _delete(aside, failed, freed, until)
        if not finished:
            return False
        try:
            os.rmdir(aside)
            return True
        except FileNotFoundError:
            return True
        except OSError:
            # A put that had found the folder under its old name has come after us; or an entry cannot be deleted,
            # which was told, and stays here out of sight.
            pass
    return True


def _delete(folder: Path, failed: Failed, freed: Freed, until: float) -> tuple[list[str], bool]:
    """Delete the entries in a folder; their names, and whether the time was enough for all."""
    names: list[str] = []
    total = 0
    finished = True
    for name, is_folder in list_kinds(folder):
        if time.monotonic() > until:
            finished = False
            break
        if _is_foreign(name, is_folder):
            continue
        path = f"{folder}/{name}"
        try:
            size = os.lstat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            failed(error)
            continue
        total += occupied(size)
        names.append(name)
    if total:
        freed(total)
    return names, finished


def _names_in(files: list[str], owner: str) -> set[str]:
    parts = [parts_of_file(name) for name in files]
    return {f"{owner}/{found[0]}" for found in parts if found is not None and found[1] == RESULT}


def _is_foreign(name: str, is_folder: bool) -> bool:
    return is_folder or (parts_of_file(name) is None and not is_journal(name))
