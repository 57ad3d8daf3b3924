"""When to start again what has ended: after 1 s, 2 s, 4 s ... 10 s."""

import signal
import time

LONGEST_PAUSE_SECONDS = 10
STEADY_SECONDS = 30
"""What has run for this long was healthy: its next end counts as the first."""


class BackOff:
    """The pauses of one thing that is kept running."""

    def __init__(self) -> None:
        self._ends = 0
        self._ran_since: float | None = None
        self._start_at: float | None = None

    @property
    def waits(self) -> bool:
        """Whether an end was noted and the next start has not begun."""
        return self._start_at is not None

    @property
    def is_over(self) -> bool:
        return self._start_at is not None and time.monotonic() >= self._start_at

    def runs(self) -> None:
        """Note that it runs. Repeating it changes nothing."""
        self._start_at = None
        if self._ran_since is None:
            self._ran_since = time.monotonic()

    def ended(self) -> int:
        """Note that it has ended, or that a start of it failed; returns the pause in seconds."""
        now = time.monotonic()
        steady = self._ran_since is not None and now - self._ran_since > STEADY_SECONDS
        self._ends = 1 if steady else self._ends + 1
        pause = min(2 ** min(self._ends - 1, 10), LONGEST_PAUSE_SECONDS)
        self._ran_since, self._start_at = None, now + pause
        return pause


def how_it_ended(exit_code: int | None) -> str:
    """In words: «was killed by SIGKILL», «ended with exit code 3»."""
    if exit_code is None or exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-exit_code}"


def cause_of(error: BaseException) -> str:
    """An error in one line; its class, where its text says nothing without it."""
    text = " ".join(str(error).split())
    return text if text and not isinstance(error, KeyError) else f"{type(error).__name__}: {text}"
