"""Report skipped tests loudly at the end; with CI=true they are a failure.

Under pytest-xdist the controller counts: every worker reports to it.
"""

import os
from collections import Counter

import pytest

SKIPPED = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SKIPPED] = Counter()
    config.pluginmanager.register(_SkipCounter(config.stash[SKIPPED]), "skip-counter")


class _SkipCounter:
    """Counts skips by their reason, of tests and of whole modules."""

    def __init__(self, skipped: Counter[str]) -> None:
        self._skipped = skipped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._count(report)

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            # A skip is (file, line, reason), unless a plugin reports it in its own way.
            skip = report.longrepr
            reason = skip[2] if isinstance(skip, tuple) else str(skip)
            self._skipped[reason.removeprefix("Skipped: ")] += 1


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[SKIPPED] and is_ci() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    skipped = config.stash[SKIPPED]
    if not skipped:
        return
    failing = " (CI=true: this is a failure)" if is_ci() else ""
    title = f"{skipped.total()} TESTS DID NOT RUN{failing}"
    terminalreporter.section(title, sep="!", red=True, bold=True)
    for reason, count in skipped.most_common():
        terminalreporter.line(f"{count:4} x {reason}", red=True)
