"""The levels of trust: strict makes what cannot be verified an error, safe runs no code at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from attacks import PRELUDE
from kernels import Kernel


@pytest.mark.parametrize(
    "plant",
    [
        "path.write_bytes(b'')",
        "path.write_bytes(path.read_bytes()[:-1])",
        "path.unlink() or path.symlink_to('/dev/zero')",
        "path.unlink() or path.mkdir()",
        "path.parent.chmod(0o777)",
    ],
)
def test_strict_trust_makes_what_cannot_be_verified_one_clear_error(plant: str, tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_TRUST="strict") as kernel:
        kernel.value("small(1)")
        kernel.value(f"[{plant} for path in files()] and None")
        kernel.value("restart()")

        for _ in range(2):
            assert kernel.ask("small(1)")["raised"].startswith("UntrustedEntryError: ")


def test_strict_trust_makes_an_entry_of_another_key_an_error(tmp_path: Path) -> None:
    with Kernel(tmp_path / "store", tmp_path / "another") as stranger:
        stranger.value("small(1)")
    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_TRUST="strict") as kernel:
        assert "signed with another key" in kernel.ask("small(1)")["raised"]


def test_safe_trust_hits_for_plain_values_and_computes_what_takes_code(tmp_path: Path) -> None:
    calls = {"small(1)['n']": 0, "large(1).sum()": 0, "typed('a')": 1, "framed(1).shape": 1}
    with Kernel(tmp_path / "store", tmp_path / "key") as kernel:
        right = [kernel.value(call) for call in calls]

    with Kernel(tmp_path / "store", tmp_path / "key", NBCACHE_TRUST="safe") as kernel:
        for (call, computations), expected in zip(calls.items(), right, strict=True):
            before = kernel.value("computed.count")
            assert kernel.value(call) == expected
            assert kernel.value("computed.count") - before == computations, call


def test_safe_trust_runs_nothing_even_of_our_own_key(python: Callable[..., str], tmp_path: Path) -> None:
    program = (
        PRELUDE
        + """
victim.restart(); right = victim.small(7)
path = victim.files()[-1]
path.write_bytes(planted.envelope(everything["os.system"], address_of(path), ours))
victim.restart()
victim.show([victim.outcome("signed by us", lambda: victim.small(7), right)])
"""
    )
    canary = tmp_path / "canary"

    safe = json.loads(python(program, CANARY=str(canary), NBCACHE_TRUST="safe"))[0]
    assert safe["right"] and safe["computed"] == 1 and not safe["raised"]
    assert not canary.exists()

    # What a shared key means: whoever has it can make our kernels run code.
    python(program, CANARY=str(canary))
    assert canary.exists()
