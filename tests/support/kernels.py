"""Kernels: Python processes that evaluate what a test tells them, one line after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from processes import python_path, without_settings

#: Modules are loaded before the user is changed: their files may lie where that user cannot look.
_PROGRAM = "import json, sys, victim; victim.{user}; victim.serve()"


class Kernel:
    """A process with the functions of `victim`, and a store and a key that a test has chosen."""

    def __init__(self, folder: Path, key: Path, *, user: int | None = None, **environment: str) -> None:
        become = "computed" if user is None else f"become({user})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(user=become)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **without_settings(),
                "PYTHONPATH": python_path(),
                "NBCACHE_DIR": str(folder),
                "NBCACHE_KEY_FILE": str(key),
                "XDG_STATE_HOME": str(key.parent / "state"),
                **environment,
            },
            cwd=key.parent if key.parent.is_dir() else key.parent.parent,
        )

    def wait_until_ready(self) -> None:
        assert self.line() == "ready"

    def line(self) -> Any:
        """The next line it prints."""
        assert self.process.stdout is not None and self.process.stderr is not None
        text = self.process.stdout.readline()
        assert text, self.process.stderr.read()
        return json.loads(text)

    def tell(self, expression: str) -> None:
        """Have something evaluated, and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(expression) + "\n")
        self.process.stdin.flush()

    def ask(self, expression: str) -> dict[str, Any]:
        """What an expression evaluates to: `value`, `raised` and `warned`."""
        self.tell(expression)
        answer = self.line()
        assert isinstance(answer, dict), answer
        return answer

    def value(self, expression: str) -> Any:
        """The value of an expression that raises and warns of nothing."""
        answer = self.ask(expression)
        assert not answer["raised"] and not answer["warned"], answer
        return answer["value"]

    def end(self) -> None:
        """Let the process end in order, with all that it does at its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0

    def __enter__(self) -> Kernel:
        self.wait_until_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.kill()
        if self.process.stdin is not None and self.process.stdin.closed:
            self.process.stdin = None
        self.process.communicate()
