"""What `wishtree migrate` does to roles, and where the owner of the tables logs in."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from console.services import definition_of
from devkit.testkit import PrivatePostgres, environment
from shared.core.settings import Settings, SettingsError
from shared.service.migrate import migrate

SERVICE = definition_of("notify")


@pytest.fixture
def env(postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An empty database that nobody has migrated."""
    owner_url, name = postgres.create_database()
    env = environment(owner_url, name)
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    yield env
    postgres.drop_database(name)


def with_password(url: str, password: str) -> str:
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def test_migrating_gives_the_role_the_password_of_its_url(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = env["WISHTREE_NOTIFY_DATABASE_URL"]
    migrate(SERVICE, Settings.read())
    psycopg.connect(old).close()

    new = with_password(old, "an'other:\\pass%word")
    monkeypatch.setenv("WISHTREE_NOTIFY_DATABASE_URL", new)
    migrate(SERVICE, Settings.read())
    psycopg.connect(new).close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(old)


def test_a_role_that_the_owner_may_not_change_is_left_as_it_is(
    env: dict[str, str], postgres: PrivatePostgres
) -> None:
    url = make_url(env["WISHTREE_NOTIFY_DATABASE_URL"])
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {url.username} LOGIN SUPERUSER PASSWORD 'its-own'")

    migrate(SERVICE, Settings.read())

    psycopg.connect(with_password(env["WISHTREE_NOTIFY_DATABASE_URL"], "its-own")).close()


def test_the_owner_logs_in_where_its_own_url_says(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The services' URLs may lead to a pooler, which need not even run."""
    elsewhere = make_url(env["WISHTREE_NOTIFY_DATABASE_URL"]).set(port=1)
    monkeypatch.setenv(
        "WISHTREE_NOTIFY_DATABASE_URL", elsewhere.render_as_string(hide_password=False)
    )
    migrate(SERVICE, Settings.read())
    with psycopg.connect(env["WISHTREE_OWNER_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM notify.outbox").fetchone() == (0,)


def test_what_the_owners_url_leaves_out_is_as_in_the_services_url(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_url(env["WISHTREE_OWNER_DATABASE_URL"])
    monkeypatch.setenv(
        "WISHTREE_OWNER_DATABASE_URL", f"postgresql://{owner.username}:{owner.password}@"
    )
    migrate(SERVICE, Settings.read())
    with psycopg.connect(env["WISHTREE_OWNER_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM notify.outbox").fetchone() == (0,)


def test_no_table_is_made_in_another_schema(env: dict[str, str], postgres: PrivatePostgres) -> None:
    """A schema that the owner may not use is passed over, and `public` would be next."""
    owner = make_url(env["WISHTREE_OWNER_DATABASE_URL"])
    inside = make_url(postgres.superuser_url).set(database=owner.database)
    with psycopg.connect(inside.render_as_string(hide_password=False)) as connection:
        connection.execute("CREATE SCHEMA notify")
        connection.execute(f"GRANT CREATE ON SCHEMA public TO {owner.username}")

    with pytest.raises(SettingsError, match="would go into the schema public"):
        migrate(SERVICE, Settings.read())

    with psycopg.connect(env["WISHTREE_OWNER_DATABASE_URL"]) as connection:
        made = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'notify')"
        assert connection.execute(made).fetchone() == (0,)
