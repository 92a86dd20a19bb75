"""Deleting many entries at once: out of sight in one step, then one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .folders import list_names, make_folder, move_aside
from .liveness import is_alive, name_for_now
from .names import RESULT, is_key_folder, is_owner_folder, parts_of_file
from .recency import is_journal
from .usage import occupied

Failed = Callable[[OSError], None]

#: How often a folder that does not become empty is emptied again.
_TRIES = 8


def owner_folders(base: Path | str, key_ids: tuple[str, ...] | None = None) -> Iterator[Path]:
    """The folders of owners, below the folders of the given keys or of all; OSError where that fails."""
    for key_id in list_names(base) if key_ids is None else key_ids:
        if is_key_folder(key_id):
            for name in list_names(f"{base}/{key_id}"):
                if is_owner_folder(name):
                    yield Path(base, key_id, name)


def clear_folder(folder: Path, trash: Path, failed: Failed) -> tuple[set[str], int]:
    """Delete the entries in one owner's folder, and nothing else that somebody has put there.

    Parameters
    ----------
    failed : told what could not be deleted

    Returns
    -------
    The names of the results removed, and the bytes set free.
    """
    try:
        aside = move_aside(folder, trash, name_for_now())
    except FileNotFoundError:
        return set(), 0
    except OSError:
        # Nothing can be moved here; perhaps something can be deleted.
        return _delete_entries(folder, folder.name, failed)
    if not os.path.isdir(aside) or os.path.islink(aside):
        os.unlink(aside)
        return set(), 0
    names, freed = _delete_entries(aside, folder.name, failed)
    for _ in range(_TRIES):
        if _remove_folder(aside, folder):
            break
        # A put that had found the folder under its old name has come after us.
        more, also_freed = _delete_entries(aside, folder.name, failed)
        names, freed = names | more, freed + also_freed
    return names, freed


def _remove_folder(aside: Path, folder: Path) -> bool:
    """Remove a folder that holds no more entries; what somebody else has put there goes back to where it was."""
    for name in list_names(aside):
        if _is_foreign(aside / name):
            make_folder(folder)
            if not os.path.lexists(folder / name):
                os.rename(aside / name, folder / name)
    try:
        os.rmdir(aside)
    except FileNotFoundError:
        pass
    except OSError:
        # An entry that cannot be deleted, which was told, stays here out of sight.
        return False
    return True


def _is_foreign(path: Path) -> bool:
    if parts_of_file(path.name) is None and not is_journal(path.name):
        return True
    return os.path.isdir(path) and not os.path.islink(path)


def _delete_entries(folder: Path, owner: str, failed: Failed) -> tuple[set[str], int]:
    names: set[str] = set()
    freed = 0
    for name in list_names(folder):
        path = folder / name
        if _is_foreign(path):
            continue
        try:
            size = os.lstat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            failed(error)
            continue
        freed += occupied(size)
        parts = parts_of_file(name)
        if parts is not None and parts[1] == RESULT:
            names.add(f"{owner}/{parts[0]}")
    return names, freed


def empty_trash(trash: Path) -> None:
    """Delete what a clear that was killed has left behind; what cannot be deleted waits for the next start."""
    for name in list_names(trash):
        if not is_alive(trash / name):
            _delete_entries(trash / name, name, lambda error: None)
            try:
                os.rmdir(trash / name)
            except OSError:
                # Something of somebody else's is in it.
                pass
