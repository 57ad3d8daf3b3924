"""When a step of `wishtree up` fails, the line that says why is shown."""

from pathlib import Path

import pytest

from devkit.local.up import reason_of_failure

OF_SQLALCHEMY = """Traceback (most recent call last):
  File "x.py", line 1, in <module>
sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection failed: no password
[SQL: SELECT 1]
(Background on this error at: https://sqlalche.me/e/20/e3q8)
"""


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (OF_SQLALCHEMY, "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection"),
        ("registration: up to date\nError: The database: no password\n", "Error: The database: no"),
        ("Killed\n\n", "Killed"),
        ("", "it printed nothing"),
    ],
    ids=["traceback", "sentence", "no error", "nothing"],
)
def test_the_line_that_says_why_is_shown(tmp_path: Path, printed: str, shown: str) -> None:
    log = tmp_path / "seed.log"
    log.write_text(printed)
    assert reason_of_failure(log).startswith(shown)
