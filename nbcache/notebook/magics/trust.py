"""`%cache_trust`: whose values are loaded, said in a table; and the words that change it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable

from nbcache.errors import CacheError, InvalidParameterError, KeyFileError, did_you_mean
from nbcache.inspection import trusted_keys, verification
from nbcache.inspection.trusted_keys import Keys, Standing
from nbcache.notebook.display.quantities import count, duration, size
from nbcache.notebook.display.tables import Table
from nbcache.notebook.line import without_comment

#: So many damaged entries are listed one by one.
_LISTED = 20
_RUNS_CODE = "Loading an entry can run any code that its author chose, with your rights, on this machine."
_UNTIL_RESTARTED = "Running kernels keep their keys until they are restarted."


def command(line: str) -> Table:
    """Do what the text after `%cache_trust` says; without any, show how things stand.

    Raises
    ------
    CacheError
        In one line: what is wrong with what was typed, with a key file, or with a folder.
    """
    words = _words(line)
    if not words:
        return _now()
    name, given = words[0], words[1:]
    if name not in _COMMANDS:
        near = did_you_mean(name, _COMMANDS) or f" It has {', '.join(_COMMANDS)}."
        raise InvalidParameterError(f"%cache_trust has no command {name}.{near}")
    act, wanted = _COMMANDS[name]
    if len(given) != len(wanted):
        raise InvalidParameterError(f"Write it as %cache_trust {' '.join((name, *wanted))}")
    try:
        return act(*given)
    except KeyFileError as error:
        raise KeyFileError(" ".join(str(error).splitlines())) from error
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise CacheError(f"%cache_trust {name} failed: {error.strerror or error}{place}") from error


def _words(line: str) -> list[str]:
    try:
        return shlex.split(without_comment(line))
    except ValueError:
        raise InvalidParameterError(f"A quote in {line.strip()} is never closed.") from None


def _create() -> Table:
    name, made = trusted_keys.create()
    already = f"There is a key already: {name}. %cache_trust rotate makes a new one."
    return _now(f"Made the key {name}." if made else already)


def _fingerprint() -> Table:
    return Table(
        ("key", "fingerprint"),
        tuple(trusted_keys.fingerprints()),
        "The first one signs. Two people have the same key if they read the same fingerprint to each other.",
        left=2,
    )


def _share(target: str) -> Table:
    name = trusted_keys.share(target)
    return _now(
        f"Wrote the key {name} to {target}. Whoever has that file can make your kernels run code: "
        "hand it over privately, and keep it out of the notebook's folder and repository."
    )


def _add(source: str) -> Table:
    name = trusted_keys.add(source)
    return _now(
        f"Entries signed with the key {name} are loaded from now on. {_RUNS_CODE} "
        "For its owners to read your entries, share your key with them."
    )


def _rotate() -> Table:
    name = trusted_keys.rotate()
    return _now(
        f"New entries are signed with the key {name}; the previous key is trusted for 30 more days. {_UNTIL_RESTARTED}"
    )


def _forget(name: str) -> Table:
    gone = trusted_keys.forget(name)
    return _now(f"The key {gone} is no longer trusted; its entries are misses. {_UNTIL_RESTARTED}")


def _verify() -> Table:
    found = verification.verify()
    rows = [(str(one.path), one.why, str(one.moved or "still there")) for one in found.damaged]
    more = f" The first {_LISTED} are shown." if len(rows) > _LISTED else ""
    foreign = f" {count(found.foreign, 'file')} of other keys not checked." if found.foreign else ""
    return Table(
        ("damaged", "why", "moved to") if rows else (),
        tuple(rows[:_LISTED]),
        f"{count(found.whole, 'entry', 'entries')} intact ({size(found.size)}), "
        f"{count(len(rows), 'entry', 'entries')} damaged, in {duration(found.seconds)}.{more}{foreign}",
        left=3,
    )


def _adopt(folder: str) -> Table:
    root = verification.other_store(folder)
    counts = verification.adoptable(root)
    files = sum(counts.values())
    if not files:
        return Table((), (), f"{root} holds no entries that other keys signed.")
    _ask(
        f"{root} holds {count(files, 'file')} signed with {', '.join(sorted(counts))}.\n"
        f"To adopt them is to trust their authors: {_RUNS_CODE}\nType yes to adopt them: "
    )
    done = verification.adopt(root)
    rows = tuple((str(one.path), one.why) for one in done.refused[:_LISTED])
    return Table(
        ("refused", "why"),
        rows,
        f"{count(done.taken, 'entry', 'entries')} adopted, {count(done.present)} already here, "
        f"{count(len(done.refused))} refused.",
        left=2,
    )


def _ask(question: str) -> None:
    try:
        answer = input(question)
    except (EOFError, NotImplementedError, RuntimeError) as error:
        # A kernel whose frontend cannot ask raises a NotImplementedError of its own; a closed input, EOFError.
        raise CacheError("Nothing is adopted: you would have to type yes, and nobody can be asked here.") from error
    if answer.strip().lower() != "yes":
        raise CacheError("Nothing is adopted: the answer was not yes.")


_COMMANDS: dict[str, tuple[Callable[..., Table], tuple[str, ...]]] = {
    "create": (_create, ()),
    "fingerprint": (_fingerprint, ()),
    "share": (_share, ("FILE",)),
    "add": (_add, ("FILE",)),
    "rotate": (_rotate, ()),
    "forget": (_forget, ("ID",)),
    "verify": (_verify, ()),
    "adopt": (_adopt, ("FOLDER",)),
}


def _now(caption: str = "") -> Table:
    """How things stand, below what has just been done."""
    now = trusted_keys.standing()
    rows = [
        ("trust", f"{now.trust}: {_MEANINGS[now.trust]}"),
        *_key_rows(now.keys),
        ("store", str(now.folder)),
        ("owner and mode", f"{now.owner}, {now.mode:04o}" if now.owner else "created with the first entry"),
        ("signed with your keys", f"{count(now.own.files, 'file')}, {size(now.own.size)}"),
        ("signed with other keys", _foreign(now)),
        ("quarantined as damaged", count(now.set_aside, "file")),
    ]
    if now.refusal:
        rows.append(("not used, because", now.refusal))
    return Table(("setting", "value"), tuple(rows), caption, left=2)


_MEANINGS = {
    "sign": "loads only entries signed with these keys",
    "strict": "an entry that cannot be verified is an error",
    "safe": "loads only entries signed with these keys, in formats that cannot run code",
}


def _key_rows(keys: Keys) -> list[tuple[str, str]]:
    if keys.trouble:
        state = f"not used: {keys.trouble} Results on disk are lost at the end of this session."
        return [("signing key", "one for this session only"), ("key file", f"{keys.path}, {state}")]
    if not keys.ids:
        return [("signing key", "created at the first use"), ("key file", f"{keys.path}, created at the first use")]
    rows = [("signing key", keys.ids[0])]
    for name, until in zip(keys.ids[1:], keys.until[1:], strict=True):
        end = "" if until is None else f", until {time.strftime('%Y-%m-%d', time.localtime(until))}"
        rows.append(("also trusted", f"{name}{end}"))
    return [*rows, ("key file", f"{keys.path}, usable")]


def _foreign(now: Standing) -> str:
    if not now.foreign.files:
        return "none"
    shown = ", ".join(now.foreign_ids[:5]) + (" and others" if len(now.foreign_ids) > 5 else "")
    return f"{count(now.foreign.files, 'file')}, {size(now.foreign.size)}, signed with {shown}; never loaded"
