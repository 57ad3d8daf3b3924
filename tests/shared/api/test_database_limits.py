"""What a request and a process meet when the database is away, busy, locked or frozen."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from devkit.testkit import District, Member
from shared.auth.access import allow
from shared.core.ids import new_id
from shared.db.contention import is_database_away
from shared.db.engine import Database, allow_time, transaction
from shared.db.limits import Limits

PATH = "/problems/anything"  #: an endpoint of every service, whose view these tests replace


@pytest.fixture
def member(district: District) -> Member:
    return district.wishes


@contextmanager
def database_with(member: Member, limits: Limits) -> Iterator[Database]:
    database = Database(member.service, member.settings, limits)
    yield database
    database.engine.dispose()


@contextmanager
def frozen(session: Session) -> Iterator[None]:
    """Stop the server process of a session, as when the whole server is stopped."""
    pid = session.scalars(text("SELECT pg_backend_pid()")).one()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.check("L3")
def test_a_frozen_database_holds_a_thread_for_a_bounded_time(member: Member) -> None:
    """Its connections stay open, and its own time limits do not run."""
    started = time.monotonic()
    with database_with(member, Limits(1, 1, 5)) as database:
        with (
            pytest.raises(OperationalError, match="did not answer within 3 s") as caught,
            database.transaction() as session,
            frozen(session),
        ):
            session.execute(text("SELECT 1"))
        assert time.monotonic() - started < 4
        assert is_database_away(caught.value)
        with database.transaction() as session:  # a new connection: the old one was closed
            assert session.scalar(text("SELECT 1")) == 1


@pytest.mark.check("L2")
def test_readiness_is_down_soon_while_the_database_is_frozen(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_with(member, Limits(10, 3, 5)) as database:
        with database.transaction() as session:  # the only connection: the pool gives it again
            pid = session.scalars(text("SELECT pg_backend_pid()")).one()
        monkeypatch.setattr(member.app, "database", database)
        os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        try:
            assert member.call("GET", "/wishes/readyz").status_code == 503
            assert time.monotonic() - started < 5
        finally:
            os.kill(pid, signal.SIGCONT)
        assert member.call("GET", "/wishes/readyz").status_code == 200


@pytest.mark.check("L3")
def test_a_verb_may_ask_for_more_time(member: Member) -> None:
    """For its own transaction: the next one on the connection has the usual limits again."""
    sleep = text("SELECT pg_sleep(1.2)")
    with database_with(member, Limits(1, 1, 5)) as database:
        with database.transaction() as session:
            allow_time(session, 3)
            session.execute(sleep)
            answering = session.connection().connection.driver_connection
            assert answering.answer_seconds == 5  # type: ignore[union-attr]
        with database.transaction() as session:
            assert answering is session.connection().connection.driver_connection
            assert answering.answer_seconds == 3  # type: ignore[union-attr]
            with pytest.raises(OperationalError, match="statement timeout"):
                session.execute(sleep)
            session.rollback()


def answer_of(member: Member, view: Any, monkeypatch: pytest.MonkeyPatch) -> TestResponse:
    """What the service answers when a view does this."""
    monkeypatch.setitem(
        member.app.view_functions, "operations.problem", allow(public=True)(lambda slug: view())
    )
    return member.call("GET", PATH)


def assert_try_again(response: TestResponse) -> None:
    assert response.status_code == 503, response.get_data(as_text=True)
    assert response.headers["Retry-After"] == "2"
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "sqlstate",
    ["40P01", "40001", "55P03", "57014", "57P01", "57P03", "53300", "25P03", "08006"],
    ids=[
        *("deadlock", "serialization", "lock timeout", "statement timeout", "server stops"),
        *("server starts", "too many connections", "idle too long", "connection lost"),
    ],
)
def test_whatever_the_database_is_busy_with_the_answer_is_503(
    member: Member, sqlstate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        with transaction() as session:
            raising = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}'; END $$"
            session.execute(text(raising.format(sqlstate)))

    assert_try_again(answer_of(member, fail, monkeypatch))


@pytest.mark.check("L3")
def test_a_full_pool_answers_503_after_two_seconds(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = member.settings.model_copy(update={"database_pool_size": 1})
    database = Database(member.service, settings, Limits(5, 3, 5))
    monkeypatch.setattr(member.app, "database", database)

    def use() -> Any:
        with transaction() as session:
            return {"one": session.scalar(text("SELECT 1"))}

    with database.transaction() as held:
        held.execute(text("SELECT 1"))
        started = time.monotonic()
        assert_try_again(answer_of(member, use, monkeypatch))
        assert time.monotonic() - started < 3
    assert answer_of(member, use, monkeypatch).status_code == 200
    database.engine.dispose()


@pytest.mark.check("L3")
def test_a_locked_table_answers_503_and_other_services_go_on(district: District) -> None:
    staff = district.token("staff")
    voucher = f"/v1/vouchers/{new_id()}"
    with psycopg.connect(district.env["WISHTREE_OWNER_DATABASE_URL"]) as owner:
        owner.execute("LOCK TABLE rewards.vouchers")
        started = time.monotonic()
        assert_try_again(district.rewards.call("GET", voucher, as_=staff))
        assert time.monotonic() - started < 4
        assert district.wishes.call("GET", "/v1/wishes", as_=staff).status_code == 200
        assert district.rewards.call("GET", "/v1/products", as_=staff).status_code == 200
        assert district.rewards.call("GET", "/rewards/readyz").status_code == 200
    assert district.rewards.call("GET", voucher, as_=staff).status_code == 404


def test_threads_behind_one_that_reads_denials_do_not_wait_one_after_another(
    member: Member, district: District
) -> None:
    token = district.token("staff")
    with member.app.verifier._denials_lock:
        started = time.monotonic()
        assert_try_again(member.call("GET", "/v1/wishes", as_=token))
        assert time.monotonic() - started < 3
