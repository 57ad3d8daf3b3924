"""Celery entry points of rewards: a few lines each, calling a verb."""

from services.rewards import audit
from services.rewards.catalogue import products
from services.rewards.issuing import issue
from services.rewards.issuing.issue import MOST_AT_ONCE, MOST_PER_ACCOUNT
from services.rewards.ledger import expiry, seal
from services.rewards.membership import daily_review, members
from services.rewards.pool import allocation
from services.rewards.redemption import retention
from services.rewards.rule_runs import backfill
from services.rewards.settlement import disputes
from services.rewards.vouchers import holds, lifecycle, reminders
from shared.core.logs import get_logger
from shared.db.engine import transaction
from shared.jobs.periodic import periodic, work_off
from shared.service import auditing, housekeeping

housekeeping.declare("rewards")
auditing.declare("rewards", audit.CHECKS)

BATCH = 500

log = get_logger(__name__)


@periodic("rewards.expire_vouchers", every_seconds=60)
def expire_vouchers() -> None:
    """Free what lapsed holds reserve, then end vouchers whose last day has passed."""
    work_off(holds.expire_holds, BATCH)
    work_off(lifecycle.expire_vouchers, BATCH)


@periodic("rewards.issue_waiting", every_seconds=30)
def issue_waiting() -> None:
    """Issue to those who wait, where stock has come back."""
    with transaction() as session:
        product_ids = products.products_waited_for(session)
    for product_id in product_ids:
        with transaction() as session:
            issue.issue_waiting(session, product_id, BATCH)


@periodic("rewards.issue_reached", every_seconds=10)
def issue_reached() -> None:
    """After a new issue rule, issue to everybody who had the points already."""
    work_off(members.issue_reached, BATCH, seconds=8)


@periodic("rewards.continue_issuing", every_seconds=5)
def continue_issuing() -> None:
    """Issue to those whose points buy more than one transaction issues, portion by portion."""
    work_off(members.continue_issuing, MOST_AT_ONCE // MOST_PER_ACCOUNT, seconds=4)


@periodic("rewards.apply_rules", every_seconds=10)
def apply_rules() -> None:
    """Continue the application of new rules to old records, batch by batch."""
    work_off(backfill.apply_batch, BATCH, seconds=8)


@periodic("rewards.look_again", every_seconds=600)
def review_daily() -> None:
    """Release points held for offers that have ended; once a day retry issuing for everybody."""
    work_off(daily_review.release_ended, BATCH)
    with transaction() as session:
        daily_review.start_review(session)


@periodic("rewards.seal_journal", every_seconds=10)
def seal_journal() -> None:
    """Chain what was committed to the journal, batch by batch."""
    work_off(seal.seal_batch, seal.BATCH)


@periodic("rewards.export_head", every_seconds=3600)
def export_head() -> None:
    """Publish the head of the chain, once a day; the log is one more place that keeps it."""
    with transaction() as session:
        head = seal.export_head(session)
    if head is not None:
        log.info("ledger head", number=head.number, entries=head.entries, hash=head.hash.hex())


@periodic("rewards.lapse_points", every_seconds=3600)
def lapse_points() -> None:
    """Once a day, take points that grew too old, batch by batch."""
    work_off(expiry.lapse_batch, BATCH)


@periodic("rewards.forget_venues_past", every_seconds=3600)
def forget_venues_past() -> None:
    """Delete guesses and webhooks that no longer count."""
    with transaction() as session:
        retention.forget_guesses(session)
    work_off(retention.forget_receipts, BATCH)


@periodic("rewards.lapse_disputes", every_seconds=300)
def lapse_disputes() -> None:
    """End disputes that nobody decided in time."""
    work_off(disputes.lapse, BATCH)


@periodic("rewards.allocate_pool", every_seconds=600)
def allocate_pool() -> None:
    """Give the vouchers in the pool to those who wait, batch by batch."""
    more = True
    while more:
        with transaction() as session:
            more = bool(allocation.allocate(session))


@periodic("rewards.remind_expiring", every_seconds=3600)
def remind_expiring() -> None:
    """Remind holders once of vouchers that end soon, batch by batch."""
    work_off(reminders.remind_expiring, BATCH)
