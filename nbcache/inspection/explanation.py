"""Why a call would be a hit or a miss now: the parts of its key beside those of the nearest entry."""

from __future__ import annotations

import html
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nbcache.config import settings
from nbcache.engine import traces
from nbcache.engine.cache import Cache
from nbcache.engine.job import Description, Job, Parts, keyed_parts
from nbcache.entries.entry import Entry, Meta
from nbcache.errors import UntrustedEntryError
from nbcache.inspection.wording import age, ago, change_in_words, in_words, lines_that_count, took
from nbcache.keys.key import same_arguments
from nbcache.tracking.observations.kinds import label_of, outline_of
from nbcache.tracking.observations.observation import Observation
from nbcache.tracking.observations.processes.unseen import UNSEEN_KIND
from nbcache.tracking.written.with_files import lost_file, names_of

#: What Python and libraries write into classes, and options that nobody has set: it counts, and says little.
_SAYS_LITTLE = re.compile(r"class \S+\.__\w+__(:|$)|options: none$")
#: A call is compared with so many entries at most.
_COMPARED = 100
#: The order in which people look for what a result depends on; files come after them.
_ORDER = ("argument", "code", "helper", "method", "class", "fields", "members", "global", "closure", "default")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a call would be a hit, and why. Its text says so in words.

    Attributes
    ----------
    hit : whether the call would be a hit
    changed : for a miss, a line for each part that differs from the nearest entry; empty for a hit
    reason : one line about what is not a change: no result stored yet, expired, cleared, evicted, not trusted
    depends_on : what the result depends on, a line each; the text leaves out what Python itself writes into classes
    unfollowed : what the key does not follow, a line each
    files : the files that the run wrote, if they are outputs: a hit writes them again if they are missing or different
    """

    hit: bool
    changed: tuple[str, ...] = ()
    reason: str = ""
    name: str = ""
    depends_on: tuple[str, ...] = field(default=(), repr=False)
    unfollowed: tuple[str, ...] = field(default=(), repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{self._answer()}{self._details()}"

    def _answer(self) -> str:
        return f"{self.name}: {'hit' if self.hit else 'miss'}"

    def _details(self) -> str:
        lines = [f", {self.reason}" if self.reason else ""]
        lines += [f"  changed: {change_in_words(line)}" for line in self.changed]
        if self.hit or not self.changed:
            lines += [f"  depends on {in_words(line)}" for line in self.depends_on if not _SAYS_LITTLE.match(line)]
        lines += [f"  writes {name}" for name in self.files]
        lines += [f"  not followed: {line}" for line in self.unfollowed]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        printer.text(f"\033[1m{self._answer()}\033[0m{self._details()}" if bold else str(self))

    def _repr_html_(self) -> str:
        return f"<pre><b>{html.escape(self._answer())}</b>{html.escape(self._details())}</pre>"


def explain_call(
    cache: Cache,
    job: Job,
    description: Description,
    *,
    unfollowed: tuple[str, ...],
    tracked: bool,
    anything: bool = True,
) -> Explanation:
    """Explain what `cache.fetch(job)` would find now.

    Parameters
    ----------
    description : the arguments and parts of the call as it is now
    unfollowed : what the key does not follow
    tracked : False where the user turned following off, which is then said first
    anything : whether calls with other arguments are of interest, where there is none with these

    Notes
    -----
    Of the entries in memory and on disk a few are read, whatever their number; a shared store is not listed.
    """
    name = f"{job.name}({description.arguments})" if job.kind == "value" else job.name
    if not tracked:
        unfollowed = ("globals, helpers, classes and files (track=False)", *unfollowed)
    depends_on = tuple(_line(label, summary) for label, _, summary in sorted(description.parts, key=_rank))
    if (refused := _refused(job)) is not None:
        return Explanation(False, (), refused, name, depends_on, unfollowed)
    claim = cache.tiers.claim(job.address, job.policy.disk)
    try:
        located = cache.locate(job)
    except UntrustedEntryError as error:
        why = str(error).splitlines()[1].removeprefix("Why: ")
        return Explanation(False, (), f"entry not trusted, which is an error with trust='strict': {why}", name,
                           depends_on, unfollowed)  # fmt: skip
    if located is not None:
        seen = _observed(located.meta)
        depends_on += tuple(_line(label_of(one), _note(one)) for one in seen if one.kind != UNSEEN_KIND)
        unfollowed += tuple(label_of(one) for one in seen if one.kind == UNSEEN_KIND)
        hit, reason = _found(job, located, cache.clock())
        if hit and (gone := lost_file(located.meta.effects)):
            hit, reason = False, gone
        return Explanation(hit, (), reason, name, depends_on, unfollowed, tuple(names_of(located.meta.effects)))
    if (lost := _lost(cache, job, claim)) is not None:
        return Explanation(False, (), lost, name, depends_on, unfollowed)
    parts = keyed_parts(description.parts)
    nearest = _nearest(parts, _near(cache, job, anything))
    if nearest is None:
        reason = "no result is stored yet" if job.policy.disk else "no result is in this session's memory yet"
        return Explanation(False, (), reason, name, depends_on, unfollowed)
    changed = _changes(nearest, parts)
    computed = ago(cache.clock() - nearest.created)
    if any(line.startswith("argument ") for line in changed) and job.kind == "value":
        reason = f"nothing is stored for these arguments; the nearest is {job.name}({nearest.arguments})"
    else:
        reason = f"last computed {computed}"
    return Explanation(False, changed, reason, name, depends_on, unfollowed)


def unexpected_miss(cache: Cache, job: Job, description: Description) -> str:
    """One line about a call that was cached with these arguments, and is computed because something else changed.

    "" for any other call: one that is a hit, is new, has expired, or was cleared.
    """
    found = explain_call(cache, job, description, unfollowed=(), tracked=True, anything=False)
    if found.hit or not found.changed or any(line.startswith("argument ") for line in found.changed):
        return ""
    more = f" (and {len(found.changed) - 1} more)" if len(found.changed) > 1 else ""
    return f"{found.name} is computed again: {found.changed[0]}{more}"


def report_unexpected_miss(cache: Cache, job: Job, description: Description) -> None:
    """Print that line, if the user asked for it by the setting `explain_misses`."""
    if settings().explain_misses and (line := unexpected_miss(cache, job, description)):
        print(f"nbcache: {line}", file=sys.stderr)


# -- reasons ----------------------------------------------------------------------------------------------------------


def _refused(job: Job) -> str | None:
    """Why the cache is not even asked."""
    if settings().off:
        return "the cache is switched off (setting off, or NBCACHE_OFF)"
    return "results are not kept (ttl is 0)" if job.policy.ttl == 0 else None


def _found(job: Job, entry: Entry, now: float) -> tuple[bool, str]:
    created, ttl = entry.meta.created, job.policy.ttl
    deadline = job.policy.deadline(created)
    if now < deadline:
        left = f", expires in {age(deadline - now)}" if ttl is not None else ""
        return True, f"computed {ago(now - created)} in {took(entry.meta.seconds)}{left}"
    if job.policy.background and ttl and now < deadline + ttl:
        return True, f"expired {ago(now - deadline)}, and returned once more while a new one is computed"
    return False, f"expired {ago(now - deadline)}"


def _lost(cache: Cache, job: Job, claim: str) -> str | None:
    """Why an entry that was there, or is there, cannot be used; None where there was none."""
    if claim == "foreign":
        return "entry not trusted: it was signed with another key (%cache_trust shows yours)"
    if claim == "ours" and settings().trust == "safe":
        return "entry not trusted: loading it could run code (trust='safe')"
    addresses = [job.address]
    trace = cache.tiers.peek(job.address, job.policy.disk)
    if trace is not None and trace.meta.kind == "trace":
        addresses += [place for place, _ in traces.places(job.address, traces.read(trace))]
    elif claim:
        return "its entry on disk cannot be read"
    for address in addresses:
        if (departed := cache.slots.fate(address)) is not None:
            why, when = departed
            return f"{why} {ago(cache.clock() - when)}"
    return None


# -- differences ------------------------------------------------------------------------------------------------------


def _near(cache: Cache, job: Job, anything: bool) -> list[Meta]:
    """Entries to compare a call with: those of its arguments, else, if wanted, some of the newest."""
    if job.kind == "cell":
        return [row.meta for row in cache.few(job.key.owner, None, _COMPARED)]
    same = cache.few(job.key.owner, same_arguments(job.text), _COMPARED)
    return [row.meta for row in same or (cache.few(job.key.owner, None, _COMPARED) if anything else ())]


def _nearest(parts: Parts, stored: list[Meta]) -> Meta | None:
    """The entry that differs in the fewest parts; equal arguments weigh most, then the newest."""
    ours = _by_label(parts)

    def distance(meta: Meta) -> tuple[int, int, float]:
        observed = set(map(label_of, _observed(meta)))
        theirs = {label: part for label, part in _by_label(meta.parts).items() if label not in observed}
        differing = [label for label in {*theirs, *ours} if theirs.get(label, ("",))[0] != ours.get(label, ("",))[0]]
        return sum(label.startswith("argument ") for label in differing), len(differing), -meta.created

    return min(stored, key=distance, default=None)


def _changes(nearest: Meta, parts: Parts) -> tuple[str, ...]:
    """What differs between an entry and the present, what its run observed included."""
    return differences(nearest.parts, (*parts, *keyed_parts(tuple(traces.observed_parts(_observed(nearest)))))) or (
        "which inputs share an object; their values are the same",
    )


def _note(seen: Observation) -> str:
    """What to say of an observation beside its name: that it does not count, where that is so."""
    outline = outline_of(seen) if seen.kind == "generator" else ""
    return outline if outline != "seeded" else ""


def _observed(meta: Meta) -> tuple[Observation, ...]:
    return tuple(Observation(name, kind) for name, kind in meta.observations)


def differences(before: Parts, now: Parts) -> tuple[str, ...]:
    """A line for each part that is not what it was, with old and new."""
    theirs, ours = _by_label(before), _by_label(now)
    lines = []
    for label in dict.fromkeys([*ours, *theirs]):
        old, new = theirs.get(label), ours.get(label)
        if old is None and new is not None:
            lines.append(f"{label} is new" + (f": {_first(new[1])}" if new[1] else ""))
        elif new is None and old is not None:
            lines.append(f"{label} is gone" + (f", it was: {_first(old[1])}" if old[1] else ""))
        elif old is not None and new is not None and old[0] != new[0]:
            lines.append(_change(label, old[1], new[1]))
    return tuple(lines)


def _change(label: str, old: str, new: str) -> str:
    kind, _, name = label.partition(" ")
    if kind == "missing":
        return f"file {name} exists now; it was missing"
    if kind in ("folder", "files"):
        return f"{label} changed{_items_changed(old, new, 'name')}"
    if kind in ("code", "helper", "method"):
        return f"{label} changed{_items_changed(old, new, 'line')}"
    if old and new and old != new:
        return f"{label} changed: {old} -> {new}" if kind == "file" else f"{label} {_first(old)} -> {_first(new)}"
    return f"{label} changed" + (f" ({_first(new)})" if new else "")


def _items_changed(old: str, new: str, word: str) -> str:
    """Say which lines of a source, or names in a folder, came and went; comments and empty lines do not count."""
    if word == "line" and not (old and new):
        return ""
    read = lines_that_count if word == "line" else str.splitlines
    before, after = read(old), read(new)
    gone = [item for item in before if item not in after]
    come = [item for item in after if item not in before]
    count = max(len(gone), len(come))
    if not count:
        return ""
    what = f"{count} {word}{'s' if count != 1 else ''}"
    more = ", ..." if count > 1 else ""
    if gone and come:
        return f": {what}: {_first(gone[0])} -> {_first(come[0])}{more}"
    return f": {what} {'added' if come else 'removed'}: {_first((come or gone)[0])}{more}"


def _by_label(parts: Iterable[tuple[str, str, str]]) -> dict[str, tuple[str, str]]:
    return {label: (digest, summary) for label, digest, summary in parts}


def _line(label: str, summary: str) -> str:
    kind, _, name = label.partition(" ")
    if kind == "missing":
        return f"file {name} being missing"
    return f"{label}: {_first(summary)}" if summary else label


def _rank(part: tuple[str, str, str]) -> int:
    kind = part[0].partition(" ")[0]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _first(text: str, limit: int = 100) -> str:
    """The first line of a text, shortened."""
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= limit else line[: limit - 3] + "..."
