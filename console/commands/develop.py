"""Check an installation with the story; measure with the benchmarks."""

import sys

import click

from console.options import data_option, needs_checkout

RUNS = click.IntRange(1, 20)


@click.command()
@click.option(
    "--base-url",
    help="Where the installation answers. Default: WISHTREE_PUBLIC_URL, which --data knows.",
)
@data_option
def story(base_url: str | None) -> None:
    """Check an installation: play the whole main job over HTTP, from registration to settlement.

    Ends with 0, or with 1 at the first response that is not as expected. It signs its own tokens,
    so it needs the key of the installation. Each run makes new people and things and leaves them
    there: repeat it as often as you like, but not in an installation that people use.

    \b
    Example: wishtree story --data var
    """
    from console.story import play
    from shared.core.settings import Settings

    sys.exit(play(base_url or Settings.read().public_url))


@click.group()
def bench() -> None:
    """Measure the hot paths against their physical limit and a peer, in one run.

    Each benchmark runs servers of its own and removes them afterwards. Needs a checkout.
    """


@bench.command("pipeline")
@click.option("--rows", type=click.IntRange(100, 1_000_000), default=20_000, show_default=True)
@click.option("--runs", type=RUNS, default=3, show_default=True)
def bench_pipeline(rows: int, runs: int) -> None:
    """Measure from committed outbox rows to the last credit and voucher committed.

    The peers are the same SQL without a broker, and plain Celery. Needs RabbitMQ.
    """
    with needs_checkout():
        from devkit.bench.pipeline import run

    run(rows, runs)


@bench.command("http")
@click.option("--seconds", type=click.IntRange(1, 60), default=5, show_default=True)
@click.option("--runs", type=RUNS, default=3, show_default=True)
def bench_http(seconds: int, runs: int) -> None:
    """Measure hot endpoints against a bare Flask view with the same SQL."""
    with needs_checkout():
        from devkit.bench.http import run

    run(seconds, runs)


@bench.command("ledger")
@click.option(
    "--accounts", type=click.IntRange(1_000, 5_000_000), default=1_000_000, show_default=True
)
@click.option(
    "--entries", type=click.IntRange(10_000, 50_000_000), default=10_000_000, show_default=True
)
@click.option(
    "--redemptions", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True
)
def bench_ledger(accounts: int, entries: int, redemptions: int) -> None:
    """Measure balances, statements and a settlement in a small and in a large bank.

    Loading the rows takes some minutes.
    """
    with needs_checkout():
        from devkit.bench.ledger import run

    run(accounts, entries, redemptions)
