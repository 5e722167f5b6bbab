"""A supervisor that slept does not count its sleep."""

import pytest

from client.awake import LONGEST_STEP_S, AwakeClock


def test_time_passes_but_not_in_long_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 10.5, 12.0, 1000.0, 1000.5])
    monkeypatch.setattr("client.awake.time.monotonic", lambda: next(times))
    clock = AwakeClock()
    assert [clock.now_s() for _ in range(4)] == [
        0.5,
        2.0,
        2.0 + LONGEST_STEP_S,
        2.5 + LONGEST_STEP_S,
    ]
