"""Which of its arguments does a function change? A hit hands out the result and leaves the arguments as they are."""

from __future__ import annotations

from types import FunctionType

from nbcache.calls.defaults import AS_DEFAULT
from nbcache.compute.refresh import in_background
from nbcache.errors import explain, warn
from nbcache.keys.arguments import Arguments, Bound
from nbcache.tracking.argument_code import ArgumentCode
from nbcache.tracking.observations.context import unrecorded
from nbcache.tracking.observations.generators.objects import inside, is_generator
from nbcache.tracking.origins import Origins

#: So many of a function's first runs are looked at: to hash arguments again costs as much as the key did.
_LOOKED_AT = 3


class ChangedArguments:
    """What the runs of one function do to its arguments.

    Parameters
    ----------
    name : the function's, for the warning
    origins : where it is noted, so that explanations list it, in later sessions too
    """

    def __init__(self, name: str, arguments: Arguments, origins: Origins) -> None:
        self._name = name
        self._arguments = arguments
        self._origins = origins
        self._left = _LOOKED_AT

    def look(self, bound: Bound, before: tuple[tuple[str, bytes], ...], asked: frozenset[str] = frozenset()) -> bool:
        """Right after a run: tell whether it was seen for the first time that arguments are changed, and warn.

        Parameters
        ----------
        before : the digests of the arguments from before the run
        """
        if not self._left or self._arguments.is_primitive(bound):
            return False
        self._left -= 1
        with unrecorded():
            changed = [name for name in self._changed(bound, dict(before), asked) if self._origins.note_argument(name)]
        if not changed:
            return False
        self._left = 0
        names = " and ".join(f"'{name}'" for name in changed)
        if not in_background():
            warn(
                explain(
                    f"{self._name}() changes its argument{'s' if len(changed) > 1 else ''} {names}, "
                    "and a hit will not repeat that.",
                    "a hit returns the result without running the function, and leaves the arguments as they are.",
                    "return the changed value and use that, or leave the function uncached.",
                )
            )
        return True

    def _changed(self, bound: Bound, before: dict[str, bytes], asked: frozenset[str]) -> list[str]:
        changed = []
        for name, value in self._arguments.items(bound):
            if name not in before or is_generator(value) or inside(value):
                continue  # a hit leaves a random generator where the run left it
            if type(value) is FunctionType or before[name] == AS_DEFAULT:
                continue  # a memo in its closure or its default is what its code keeps, and listed as such
            try:
                now = self._arguments.digest_of(name, value, ArgumentCode(self._origins, asked))
            except Exception:  # the run has left something that cannot be read, so it has changed
                now = b""
            if now != before[name]:
                changed.append(name.lstrip("*"))
        return changed
