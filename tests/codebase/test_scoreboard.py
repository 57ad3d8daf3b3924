"""The scoreboard counts what ran, says what did not, and its page names tests that exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checks import ALL, Check, read_checks
from tests.support.scoreboard import (
    BEGIN,
    END,
    Outcome,
    Result,
    Results,
    State,
    as_markdown,
    as_text,
    main,
    score,
    scoreboard,
    state_of,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
TESTS = """
import pytest

@pytest.mark.check("R1")
@pytest.mark.parametrize("number", [1, 2])
def test_broker(number): assert number == 1

@pytest.mark.check("R3", "L1")
def test_database(): pass

@pytest.mark.check("R9")
def test_wiped(): pytest.skip("no RabbitMQ here")

@pytest.fixture
def broken(): raise OSError("no such server")

@pytest.mark.check("M1")
def test_claims(broken): pass

def test_without_check(): pass
"""
PROVEN = Check("R1", "Kill the broker.", "3 kills", sabotage="acknowledge early", seen_red="lost")

here_or_in_workers = pytest.mark.parametrize("workers", ["0", "2"])


def result(outcome: Outcome, test: str = "tests/test_it.py::test_broker") -> Result:
    return Result(test, ("R1",), outcome)


def run(
    folder: Path, *options: str, tests: str = TESTS
) -> tuple[subprocess.CompletedProcess[str], Results]:
    """Run pytest with the plugin over these tests. Returns what was in the file afterwards."""
    (folder / "test_it.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.scoreboard", "-p", "xdist"]
    where = ["-c", "/dev/null", f"--rootdir={folder}", "-p", "no:cacheprovider"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, *where, "--scoreboard", str(folder / "outcomes"), *options, str(folder)],
        cwd=ROOT,
        env={**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, Results.read(folder / "outcomes")


@here_or_in_workers
def test_outcomes_are_counted_by_check(tmp_path: Path, workers: str) -> None:
    done, results = run(tmp_path, "-n", workers)
    lines = {line.check.id: line for line in scoreboard(results, read_checks())}
    assert [r.outcome for r in results.of("R3")] == [Outcome.PASSED]
    assert lines["R1"].state is State.RED, "one of two parameters failed"
    assert lines["M1"].state is State.RED, "its fixture failed"
    assert lines["R9"].state is State.SKIPPED
    assert lines["R2"].state is State.NOT_COVERED
    assert done.returncode == 1 and "SCOREBOARD" in done.stdout
    assert "! test_it.py::test_broker" in done.stdout and "! test_it.py::test_wiped" in done.stdout


def test_a_second_run_adds_to_the_first_and_the_worse_outcome_counts(tmp_path: Path) -> None:
    run(tmp_path, "-k", "test_broker and 1")
    run(tmp_path, "-k", "test_broker and 2")
    _, results = run(tmp_path, "-k", "test_database or (test_broker and 1)")
    assert [r.outcome for r in results.of("R1")] == [Outcome.FAILED]
    assert [r.outcome for r in results.of("R3")] == [Outcome.PASSED]


def test_an_unknown_check_stops_the_run(tmp_path: Path) -> None:
    done, _ = run(tmp_path, tests=TESTS.replace('"R3"', '"R33"'))
    assert done.returncode != 0 and "no such check: ['R33']" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("check", "outcomes", "state"),
    [
        (PROVEN, [], State.NOT_COVERED),
        (PROVEN, [Outcome.PASSED], State.GREEN),
        (PROVEN, [Outcome.PASSED, Outcome.SKIPPED], State.SKIPPED),
        (PROVEN, [Outcome.SKIPPED, Outcome.FAILED, Outcome.PASSED], State.RED),
        (Check("R1", "Kill the broker.", "3 kills"), [Outcome.PASSED], State.UNPROVEN),
    ],
)
def test_only_what_ran_and_was_seen_red_is_green(
    check: Check, outcomes: list[Outcome], state: State
) -> None:
    results = [result(outcome, f"tests/test_it.py::test_{n}") for n, outcome in enumerate(outcomes)]
    assert state_of(check, results) is state


def test_the_page_is_the_same_for_the_same_outcomes_and_only_its_table_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, file = tmp_path / "page.md", tmp_path / "outcomes"
    Results([result(Outcome.PASSED)]).write(file)
    page.write_text(f"before\n{BEGIN}\nSTALE\n{END}\nafter\n")
    assert [main([str(file), "--write", str(page)]) for _ in range(2)] == [0, 0]
    once = page.read_text()
    assert once.startswith("before\n") and once.endswith("\nafter\n") and "STALE" not in once
    assert once.count("| R1 |") == 1 and "`tests/test_it.py`: `test_broker`" in once
    assert "of 40 green" in capsys.readouterr().out


def test_a_red_check_fails_the_run(tmp_path: Path) -> None:
    Results([result(Outcome.FAILED)]).write(tmp_path / "outcomes")
    assert main([str(tmp_path / "outcomes")]) == 1


def test_every_check_has_its_line_and_a_reason_where_nothing_covers_it() -> None:
    checks = read_checks()
    assert tuple(checks) == ALL and len(ALL) == 40
    lines = scoreboard(Results(), checks)
    assert all(check.do and check.asked for check in checks.values())
    assert all(check.is_proven or check.missing for check in checks.values())
    assert score(lines).startswith("0 of 40 green")
    assert len(as_markdown(lines).splitlines()) == 44 <= len(as_text(lines))


def test_the_page_names_all_checks_and_only_tests_that_carry_them() -> None:
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if "` " not in line[:5]]
    by_check = {row[0]: row[-1] for row in rows if row[0] in ALL}
    assert tuple(by_check) == ALL
    for id_, tests in by_check.items():
        for file, names in re.findall(r"`(tests/[\w/.]+)`: ([^;|]+)", tests):
            text = (ROOT / file).read_text()
            assert f'"{id_}"' in text, (id_, file)
            for name in re.findall(r"`(\w+)`", names):
                assert f"def {name}(" in text, (file, name)
