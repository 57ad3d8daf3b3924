"""The scoreboard: which of the 40 checks of reliability hold, by the tests that carry `check`.

`pytest --scoreboard FILE` adds the outcomes of a run to FILE and prints the scoreboard of all runs
that are in it. A test that ran in two of them counts as its worse outcome. Then
`python -m tests.support.scoreboard FILE` prints it again and fails if a check is red; with
`--write PAGE` it replaces the table on that page.

A check is green only if every test that carries it passed and the check was once seen red with its
guard switched off. A skipped test makes it `skipped`, which is not green.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from tests.support.checks import ALL, Check, read_checks

BEGIN, END = "<!-- scoreboard: begin -->", "<!-- scoreboard: end -->"
PROPERTY = "checks"
FILE = pytest.StashKey[Path]()
RESULTS = pytest.StashKey["Results"]()


class State(StrEnum):
    """What is known of a check."""

    GREEN = "green"  #: every test passed, and the sabotage was seen red
    RED = "red"  #: a test failed
    SKIPPED = "skipped"  #: a test did not run
    UNPROVEN = "unproven"  #: every test passed, but the sabotage was not seen red
    NOT_COVERED = "not covered"  #: no test that ran carries it


class Outcome(StrEnum):
    """How a test ended; the later one in this list is the worse."""

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


WORSE = list(Outcome).index


@dataclass(frozen=True, slots=True)
class Result:
    """A test and the checks that it covers."""

    test: str  #: node id, without parameters
    checks: tuple[str, ...]
    outcome: Outcome


class Results:
    """The worst outcome of each test, over its parameters and over all runs."""

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self._worst: dict[str, Result] = {}
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        before = self._worst.get(result.test)
        if before is None or WORSE(result.outcome) > WORSE(before.outcome):
            self._worst[result.test] = result

    def of(self, check: str) -> list[Result]:
        """The results that count for a check, sorted by test."""
        found = (result for result in self._worst.values() if check in result.checks)
        return sorted(found, key=lambda result: result.test)

    @classmethod
    def read(cls, file: Path) -> "Results":
        """Those of the runs so far; none if there is no such file."""
        if not file.exists():
            return cls()
        rows = json.loads(file.read_text())
        return cls(Result(r["test"], tuple(r["checks"]), Outcome(r["outcome"])) for r in rows)

    def write(self, file: Path) -> None:
        rows = [
            {"test": r.test, "checks": list(r.checks), "outcome": r.outcome}
            for _, r in sorted(self._worst.items())
        ]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(rows, indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Line:
    """A check with what is known of it."""

    check: Check
    state: State
    results: list[Result]

    @property
    def culprits(self) -> list[str]:
        """The tests because of which it is not green."""
        return [result.test for result in self.results if result.outcome != Outcome.PASSED]


def state_of(check: Check, results: list[Result]) -> State:
    outcomes = {result.outcome for result in results}
    if not outcomes:
        return State.NOT_COVERED
    if Outcome.FAILED in outcomes:
        return State.RED
    if Outcome.SKIPPED in outcomes:
        return State.SKIPPED
    return State.GREEN if check.is_proven else State.UNPROVEN


def scoreboard(results: Results, checks: dict[str, Check]) -> list[Line]:
    """One line for each check, in their order."""
    found = {id_: results.of(id_) for id_ in checks}
    return [Line(check, state_of(check, found[id_]), found[id_]) for id_, check in checks.items()]


def score(lines: list[Line]) -> str:
    """The figures in one sentence."""
    counted = {state: sum(line.state == state for line in lines) for state in State}
    rest = ", ".join(f"{many} {state}" for state, many in counted.items() if state != State.GREEN)
    return f"{counted[State.GREEN]} of {len(lines)} green; {rest}"


def as_text(lines: list[Line]) -> list[str]:
    """The scoreboard for a terminal: one line a check, and below it what stands in the way."""
    text = []
    for line in lines:
        text.append(f"{line.check.id:4}{line.state:12}{len(line.results):3}  {line.check.do}")
        text += [f"{'':21}! {test}" for test in line.culprits]
        if line.state == State.NOT_COVERED and line.check.missing:
            text.append(f"{'':21}{line.check.missing}")
    return [*text, "", score(lines)]


def as_markdown(lines: list[Line]) -> str:
    """The same for a page. It is the same text for the same outcomes."""
    rows = [
        "| | state | what is done, and must hold | size asked | size run; what is missing "
        "| sabotage: what was seen | tests |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*rows, *map(_row, lines), "", f"**{score(lines)}**"])


def _row(line: Line) -> str:
    check = line.check
    run = " ".join(filter(None, [check.run, check.missing and f"*{check.missing}*"]))
    seen = f"{check.sabotage}: {check.seen_red}" if check.is_proven else "not seen"
    cells = [check.id, line.state, check.do, check.asked, run, seen, _tests(line.results)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _tests(results: list[Result]) -> str:
    """The tests, by file."""
    by_file = defaultdict(list)
    for result in results:
        file, _, name = result.test.partition("::")
        by_file[file].append(f"`{name}`")
    return "; ".join(f"`{file}`: {', '.join(names)}" for file, names in by_file.items())


def write_page(page: Path, lines: list[Line], note: str) -> None:
    """Replace the table on a page; `note` says when and with which seed the run was."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the scoreboard: {BEGIN} ... {END}")
    page.write_text(f"{before}{BEGIN}\n{note}\n\n{as_markdown(lines)}\n{END}{after}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scoreboard",
        type=Path,
        metavar="FILE",
        help="Add outcomes to FILE, print the scoreboard; a red check fails the run.",
    )


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--scoreboard")
    if file is None:
        return
    config.stash[FILE] = file.absolute()
    config.stash[RESULTS] = Results()
    if not hasattr(config, "workerinput"):  # under pytest-xdist the workers report to us
        config.pluginmanager.register(_Collector(config.stash[RESULTS]), "scoreboard-collector")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the reports of a test carry its checks, so that they reach the controller."""
    for item in items:
        checks = [id_ for mark in item.iter_markers("check") for id_ in mark.args]
        if unknown := set(checks) - set(ALL):
            raise pytest.UsageError(f"{item.nodeid}: no such check: {sorted(unknown)}.")
        if checks:
            item.user_properties.append((PROPERTY, sorted(checks)))


class _Collector:
    """Takes the outcome of each phase of a test; a fixture that fails or skips counts as well."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, checks in report.user_properties:
            if name == PROPERTY:
                test = report.nodeid.partition("[")[0]
                assert isinstance(checks, list)
                self._results.add(Result(test, tuple(checks), Outcome(report.outcome)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if FILE not in config.stash or hasattr(config, "workerinput"):
        return
    results = Results.read(config.stash[FILE])
    for id_ in ALL:
        for result in config.stash[RESULTS].of(id_):
            results.add(result)
    results.write(config.stash[FILE])
    config.stash[RESULTS] = results


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if FILE in config.stash:
        terminalreporter.section("SCOREBOARD", sep="=", bold=True)
        for line in as_text(scoreboard(config.stash[RESULTS], read_checks())):
            terminalreporter.line(line)


def main(arguments: list[str]) -> int:
    """Print the scoreboard of a file of outcomes; 1 if a check is red."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.scoreboard")
    parser.add_argument("file", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args(arguments)
    lines = scoreboard(Results.read(options.file), read_checks())
    sys.stdout.write("\n".join(as_text(lines)) + "\n")
    if options.write:
        seed = os.environ.get("WISHTREE_FAULT_SEED", "none")
        note = f"Written on {datetime.now(UTC):%Y-%m-%d}; seed {seed}."
        write_page(options.write, lines, note)
    return int(any(line.state == State.RED for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
