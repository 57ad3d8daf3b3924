"""A job that meets a busy database is put off without an alarm; one that is wrong is not."""

import pytest
from celery.exceptions import Ignore
from psycopg.errors import LockNotAvailable, UndefinedTable
from sqlalchemy.exc import OperationalError, ProgrammingError

from devkit.testkit import District
from shared.jobs.periodic import databases, job


def test_a_locked_table_puts_a_job_off(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(databases, "wishes", district.wishes.database)

    @job("wishes.meets_a_lock")
    def meets_a_lock() -> None:
        raise OperationalError("SELECT 1", {}, LockNotAvailable("lock timeout"))

    with pytest.raises(Ignore):
        meets_a_lock()


def test_a_wrong_statement_fails_its_job(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(databases, "wishes", district.wishes.database)

    @job("wishes.reads_nothing")
    def reads_nothing() -> None:
        raise ProgrammingError("SELECT 1", {}, UndefinedTable("no such table"))

    with pytest.raises(ProgrammingError):
        reads_nothing()
