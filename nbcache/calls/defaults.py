"""What does an argument count that was not given, where its default can change in place?

A default such as ``memo={}`` belongs to the function: its content counts there, and what a run leaves in it counts as
what that run found. As an argument it would be another one after every run.
"""

from __future__ import annotations

from nbcache.keys.arguments import Arguments, Bound
from nbcache.tracking.argument_code import ArgumentCode
from nbcache.tracking.snapshots import fixed
from nbcache.tracking.state import State

__all__ = ["AS_DEFAULT", "Defaults"]

AS_DEFAULT = b"as its default"


class Defaults:
    """The defaults of one function that can change in place."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        parameters = enumerate(arguments.signature.parameters.values())
        self._changing = {
            parameter.name: (place, parameter.default)
            for place, parameter in parameters
            if parameter.default is not parameter.empty and not fixed(parameter.default)
        }

    def digests(self, bound: Bound, code: ArgumentCode, state: State) -> tuple[tuple[str, bytes], ...]:
        """The digests of a call's arguments; of a default, and of what is as the default counts, a mark."""
        if not self._changing:
            return tuple(self._arguments.digests(bound, code))
        found = []
        for name, value in self._arguments.items(bound):
            place, default = self._changing.get(name, (0, None))
            counted = state.default_counts_as(default) if name in self._changing else None
            if counted is not None and bound[place] is default:
                found.append((name, AS_DEFAULT))
                continue
            digest = self._arguments.digest_of(name, value, code)
            found.append((name, AS_DEFAULT if digest == counted else digest))
        return tuple(found)
