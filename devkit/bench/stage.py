"""A private PostgreSQL (fsync on) and RabbitMQ for one benchmark, with our processes on them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import click

from devkit.installation import Installation
from devkit.local.binaries import installed_or_wheel_postgres
from devkit.local.servers import PostgresServer, RabbitServer
from devkit.testkit import District, PrivatePostgres, environment, migrate_all

SETTINGS = {"track_commit_timestamp": "on", "max_wal_size": "2GB"}


@contextmanager
def servers(with_broker: bool = True) -> Iterator[tuple[PrivatePostgres, RabbitServer | None]]:
    """Run servers on free loopback ports; afterwards they are gone, with their data."""
    folder = Path(tempfile.mkdtemp(prefix="wishtree-bench-"))
    postgres = PostgresServer(folder / "pg", installed_or_wheel_postgres(), settings=SETTINGS)
    rabbit = RabbitServer(folder / "mq") if with_broker else None
    try:
        postgres.start()
        if rabbit is not None:
            rabbit.start()
        yield PrivatePostgres(postgres.url()), rabbit
    finally:
        if rabbit is not None:
            rabbit.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stage(
    postgres: PrivatePostgres, rabbit: RabbitServer | None
) -> Iterator[tuple[Installation, District]]:
    """Make a fresh database and virtual host; nothing of ours runs yet."""
    owner_url, name = postgres.create_database()
    more = {"WISHTREE_BROKER_URL": rabbit.vhost(name)} if rabbit is not None else {}
    env = environment(owner_url, name, **more)
    migrate_all(env)
    installation = Installation(env, rabbit)
    os.environ.update(env)
    district = District(env)
    try:
        yield installation, district
    finally:
        installation.stop()
        district.close()
        postgres.drop_database(name)


def table(title: str, rows: dict[str, list[float]], unit: str, reference: str) -> None:
    """Print medians with their spread, and the ratio to the reference, as a Markdown table."""
    click.echo(f"\n### {title}\n\n| what | median {unit} | min - max | ratio |\n|---|---|---|---|")
    base = median(rows[reference])
    for name, values in rows.items():
        middle, spread = median(values), f"{min(values):,.1f} - {max(values):,.1f}"
        click.echo(f"| {name} | {middle:,.1f} | {spread} | {middle / base:.2f} |")
