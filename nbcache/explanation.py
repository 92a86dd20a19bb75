"""Why a call would be a hit or a miss now: the parts of its key beside those of the nearest entry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .cache import Cache
from .entries.entry import Meta
from .job import Description, Job, Parts
from .keys.files import FileDep
from .traces import file_parts


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a call would be a hit, and what decides it. Its text says so in words.

    Attributes
    ----------
    hit : whether the call would be answered from the cache
    changed : for a miss, a line per part that differs from the nearest entry; empty for a hit
    reason : one line for what is not a change: nothing stored yet, expired, cleared
    rests_on : what the key follows, a line each
    unfollowed : what it does not follow, a line each
    """

    hit: bool
    changed: tuple[str, ...] = ()
    reason: str = ""
    name: str = ""
    rests_on: tuple[str, ...] = field(default=(), repr=False)
    unfollowed: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        lines = [f"{self.name}: {'hit' if self.hit else 'miss'}" + (f", {self.reason}" if self.reason else "")]
        lines += [f"  changed: {line}" for line in self.changed]
        if self.hit or not self.changed:
            lines += [f"  rests on {line}" for line in self.rests_on]
        lines += [f"  not followed: {line}" for line in self.unfollowed]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def explain_call(
    cache: Cache, job: Job, description: Description, *, unfollowed: tuple[str, ...], tracked: bool
) -> Explanation:
    """Explain what `cache.fetch(job)` would find now.

    Parameters
    ----------
    description : the arguments and parts of the call as it is now
    unfollowed : what the key does not follow
    tracked : False where the user turned following off, which is then said first
    """
    name = f"{job.name}({description.arguments})" if job.kind == "value" else job.name
    if not tracked:
        unfollowed = ("globals, helpers, classes and files (track=False)", *unfollowed)
    rests_on = tuple(_line(label, summary) for label, _, summary in description.parts)
    located = cache.locate(job)
    now = cache.clock()
    if located is not None:
        meta = located.meta
        deadline = job.policy.deadline(meta.created)
        rests_on += tuple(f"{kind} {path}" for path, kind in meta.files)
        if now < deadline:
            return Explanation(True, (), f"computed {age(now - meta.created)} ago in {meta.seconds:.2g} s", name,
                               rests_on, unfollowed)  # fmt: skip
        return Explanation(False, (), f"expired {age(now - deadline)} ago", name, rests_on, unfollowed)
    if (departed := cache.shelf.fate(job.address)) is not None:
        why, when = departed
        return Explanation(False, (), f"{why} {age(now - when)} ago", name, rests_on, unfollowed)
    nearest = _nearest(description.parts, [row.meta for row in cache.entries(job.key.owner)])
    if nearest is None:
        return Explanation(False, (), "nothing of it is stored yet", name, rests_on, unfollowed)
    files = tuple(FileDep(path, kind) for path, kind in nearest.files)
    present = (*description.parts, *file_parts(files))
    return Explanation(False, differences(nearest.parts, present), "", name, rests_on, unfollowed)


def _nearest(parts: Parts, stored: list[Meta]) -> Meta | None:
    """The entry that differs in the fewest parts; equal arguments weigh most, then the newest."""

    def distance(meta: Meta) -> tuple[int, int, float]:
        theirs, ours = _by_label(meta.parts), _by_label(parts)
        differing = [label for label in {*theirs, *ours} if theirs.get(label, ("",))[0] != ours.get(label, ("",))[0]]
        return sum(label.startswith("argument ") for label in differing), len(differing), -meta.created

    return min(stored, key=distance, default=None)


def differences(before: Parts, now: Parts) -> tuple[str, ...]:
    """A line for each part that is not what it was, with old and new."""
    theirs, ours = _by_label(before), _by_label(now)
    lines = []
    for label in dict.fromkeys([*ours, *theirs]):
        old, new = theirs.get(label), ours.get(label)
        if old is None and new is not None:
            lines.append(f"{label} is new" + (f": {new[1]}" if new[1] else ""))
        elif new is None and old is not None:
            lines.append(f"{label} is gone" + (f", it was {old[1]}" if old[1] else ""))
        elif old is not None and new is not None and old[0] != new[0]:
            lines.append(_change(label, old[1], new[1]))
    return tuple(lines)


def _change(label: str, old: str, new: str) -> str:
    if "\n" in old or "\n" in new:
        return f"{label} changed: {_lines_changed(old, new)}"
    return f"{label} {old} -> {new}" if old != new and old and new else f"{label} changed"


def _lines_changed(old: str, new: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    gone = [line.strip() for line in before if line not in after]
    come = [line.strip() for line in after if line not in before]
    count = max(len(gone), len(come))
    sample = " -> ".join(line[0] for line in (gone, come) if line)
    return f"{count} line{'s' if count != 1 else ''}: {sample}" if count else "its lines moved"


def _by_label(parts: Parts) -> dict[str, tuple[str, str]]:
    return {label: (digest, summary) for label, digest, summary in parts}


def _line(label: str, summary: str) -> str:
    first = summary.splitlines()[0] if summary else ""
    return f"{label}: {first}" if first else label


#: Units of an age: name, seconds, and up to how many seconds it is used.
_AGES: tuple[tuple[str, float, float], ...] = (
    ("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800), ("days", 86400, float("inf")),
)  # fmt: skip


def age(elapsed: float) -> str:
    """A time span in the unit a person would use, such as "3 min"."""
    for unit, scale, limit in _AGES:
        if elapsed < limit:
            return f"{max(0.0, elapsed) / scale:.0f} {unit}"
    raise ValueError(f"{elapsed!r} is no time span")
