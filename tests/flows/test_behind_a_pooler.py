"""The main job through pgbouncer in transaction mode: no statement relies on a session.

The pooler has fewer connections than there are requests at once, so each of them serves many.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from devkit.testkit import District, PrivatePostgres, environment, migrate_all
from shared import SERVICES
from shared.core.settings import Settings
from shared.db.engine import Database
from shared.db.limits import ENDPOINTS, HANDLERS, JOBS, Limits
from tests.flows.test_hours_to_alert import PRICE, Centre
from tests.support.at_once import at_once
from tests.support.pooler import POOL_SIZE, PgBouncer, pgbouncer

DOCUMENTED = {"WISHTREE_DATABASE_POOLER": "true", "WISHTREE_DATABASE_PREPARE_THRESHOLD": "none"}
OPTIONS_DROPPED = {"WISHTREE_DATABASE_PREPARE_THRESHOLD": "none"}
DROPPING = {"ignore_startup_parameters": "options"}


@contextmanager
def pooled_district(
    postgres: PrivatePostgres, more: dict[str, str], pooler_settings: dict[str, str]
) -> Iterator[tuple[District, PgBouncer]]:
    """A district whose every connection goes through a pooler, the migrations' too."""
    owner_url, name = postgres.create_database()
    env = environment(owner_url, name, **more)
    urls = {key: value for key, value in env.items() if key.endswith("DATABASE_URL")}
    before = dict(os.environ)
    try:
        with pgbouncer(postgres, list(urls.values()), pooler_settings) as pooler:
            env |= {key: pooler.through(url) for key, url in urls.items()}
            migrate_all(env)
            district = District(env)
            yield district, pooler
            district.close()
    finally:
        os.environ.clear()
        os.environ.update(before)
        postgres.drop_database(name)


@pytest.mark.parametrize(
    ("more", "pooler_settings"),
    [(DOCUMENTED, {}), (OPTIONS_DROPPED, DROPPING)],
    ids=["as the page says", "start-up options dropped"],
)
def test_hours_become_a_voucher_through_a_pooler(
    postgres: PrivatePostgres, more: dict[str, str], pooler_settings: dict[str, str]
) -> None:
    with pooled_district(postgres, more, pooler_settings) as (district, pooler):
        assert make_url(district.env["WISHTREE_OWNER_DATABASE_URL"]).port == pooler.port
        assert schemas_with_tables(district) >= set(SERVICES)
        assert "public" not in schemas_with_tables(district)
        centre = Centre(district)
        at_once([partial(centre.work, centre.fang, 30) for _ in range(4 * POOL_SIZE)])
        district.deliver_all()

        account = centre.request("GET", f"/v1/accounts/{centre.fang}", service="rewards")
        assert account["points_available"] == 4 * POOL_SIZE * 30 % PRICE
        assert "voucher_issued" in centre.alert_templates(centre.fang)
        centre.assert_no_leftovers()


def schemas_with_tables(district: District) -> set[str]:
    with district._owner.connect() as connection:
        return set(connection.scalars(text("SELECT DISTINCT schemaname FROM pg_tables")))


def test_each_kind_of_process_sets_what_its_role_does_not(postgres: PrivatePostgres) -> None:
    with pooled_district(postgres, DOCUMENTED, {}) as (district, _):
        with district.rewards.session() as session:
            assert session.scalar(text("SHOW statement_timeout")) == "10s"
            assert session.scalar(text("SHOW lock_timeout")) == "3s"
        settings = Settings.read()
        assert shown(settings, HANDLERS) == ["10s", "5s", "1min", "rewards,public"]
        assert shown(settings, JOBS) == ["2min", "5s", "1min", "rewards,public"]
        # One role for all services: its search path cannot be a setting of the role.
        shared = {f"{service}_database_url": None for service in SERVICES}
        shared["database_url"] = district.env["WISHTREE_NOTIFY_DATABASE_URL"]
        settings = settings.model_copy(update=shared)
        assert shown(settings, ENDPOINTS) == ["10s", "3s", "30s", "rewards,public"]


def shown(settings: Settings, limits: Limits) -> list[str]:
    """What holds in a transaction of rewards."""
    database = Database("rewards", settings, limits)
    timeouts = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with database.transaction() as session:
        found = [session.scalars(text(f"SHOW {n}")).one() for n in (*timeouts, "search_path")]
    database.engine.dispose()
    return [value.replace(", ", ",") for value in found]
