"""Fail the run when an ordinary test takes too long, so that `make test` stays quick.

A test that is long by nature names the reason: `@pytest.mark.long(reason="...")`. It runs in
`make test` like every other one. Only the test itself counts, not its fixtures, and nothing is run
twice.

The limit is off unless `--test-limit SECONDS` is given, so that a debugger does not fail a test. It
grows with the load: where four processes share two cores, a test may take twice as long.
"""

import os

import pytest

SLOW = pytest.StashKey[dict[str, float]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--test-limit",
        type=float,
        metavar="SECONDS",
        help="Fail the run if a test without the marker `long` takes longer.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SLOW] = {}
    limit = config.getoption("--test-limit")
    if limit is not None:
        config.pluginmanager.register(_Watch(limit, config.stash[SLOW]), "test-limit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        mark = item.get_closest_marker("long")
        if mark is not None and not mark.kwargs.get("reason"):
            raise pytest.UsageError(f"{item.nodeid}: `long` needs a reason.")


class _Watch:
    """Notes the tests over the limit; under pytest-xdist the workers report to the controller."""

    def __init__(self, limit: float, slow: dict[str, float]) -> None:
        self._limit, self._slow = limit, slow

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        is_ordinary = "long" not in report.keywords and "slow" not in report.keywords
        if report.when == "call" and is_ordinary and report.duration > self._limit * crowding():
            self._slow[report.nodeid] = report.duration


def crowding() -> float:
    """How many processes want each core, in the last minute; at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[SLOW] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    slow = config.stash[SLOW]
    if not slow:
        return
    limit = config.getoption("--test-limit")
    title = f"{len(slow)} TESTS TOOK OVER {limit:g} s: shorten them, or mark them `long`"
    terminalreporter.section(title, sep="!", red=True, bold=True)
    for test, seconds in slow.items():
        terminalreporter.line(f"{seconds:6.1f} s  {test}", red=True)
