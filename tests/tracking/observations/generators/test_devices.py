"""A run that draws on a GPU says so; there is none here, so torch is told that there is one."""

from __future__ import annotations

from typing import Any

import pytest

from nbcache import cache_data

torch = pytest.importorskip("torch")


class Device:
    """A device with one generator, whose state is a seed and how much was drawn."""

    def __init__(self, initialized: bool) -> None:
        self.initialized = initialized
        self.state = [7, 0]

    def draw(self) -> int:
        self.initialized = True
        self.state[1] += 4
        return self.state[1]

    def states(self) -> list[Any]:
        return [torch.tensor(self.state, dtype=torch.int64).view(torch.uint8)]


@pytest.fixture(params=["cuda", "xpu"])
def module(request: pytest.FixtureRequest) -> Any:
    return getattr(torch, request.param)


@pytest.mark.parametrize("initialized", [True, False])
@pytest.mark.parametrize("draws", [True, False])
def test_a_run_that_draws_on_a_device_says_so(
    module: Any, initialized: bool, draws: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(initialized)
    monkeypatch.setattr(module, "is_initialized", lambda: device.initialized)
    monkeypatch.setattr(module, "get_rng_state_all", device.states)
    monkeypatch.setattr(Device, "__cache_key__", lambda self: "the device", raising=False)

    @cache_data(show_spinner=False)
    def use() -> int:
        return device.draw() if draws else 0

    use()

    told = use.explain()
    assert told.hit
    assert any(module.__name__ in line for line in told.unfollowed) is draws


def test_without_a_device_nothing_is_said() -> None:
    @cache_data(show_spinner=False)
    def use() -> float:
        return float(torch.ones(1).sum())

    use()

    assert not [line for line in use.explain().unfollowed if "device" in line]
