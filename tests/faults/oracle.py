"""What must be true after the faults, read from outside: HTTP answers, SQL, logs."""

import time
from dataclasses import dataclass
from typing import Any

from devkit.installation import wait_until
from shared import SERVICES
from tests.faults.crowd import MINUTES, PRICE, Crowd
from tests.faults.stage import Stage, seconds

QUIET_SECONDS = 60
STILL_SECONDS = 20  #: longer than any pause between two attempts or connections


@dataclass(frozen=True, slots=True)
class State:
    """Counts of one moment, all of which follow from what was acknowledged."""

    records: int
    credits: int
    minutes: int
    vouchers: int
    hours_alerts: int
    voucher_alerts: int
    claimed: int
    claim_alerts: int
    redeemed: int
    attempts: int
    dead: int
    unpublished: int


def expected_of(crowd: Crowd) -> State:
    records = len(crowd.acknowledged)
    vouchers = sum(count * MINUTES // PRICE for count in crowd.hours.values())
    return State(
        records=records,
        credits=records,
        minutes=records * MINUTES,
        vouchers=vouchers,
        hours_alerts=records,
        voucher_alerts=vouchers,
        claimed=len(crowd.claims),
        claim_alerts=len(crowd.claims),
        redeemed=len(crowd.redeemed),
        attempts=0,
        dead=0,
        unpublished=0,
    )


def state_of(stage: Stage) -> State:
    one = stage.one
    in_all = "SELECT count(*) FROM {}.{}"
    alerts = "SELECT count(*) FROM notify.alerts WHERE template = %s"
    redeemed = "SELECT count(*) FROM rewards.vouchers WHERE status = 'redeemed'"
    return State(
        records=one("SELECT count(*) FROM registration.service_records"),
        credits=one("SELECT count(*) FROM rewards.transfers WHERE kind = 'earned'"),
        minutes=int(one("SELECT coalesce(sum(minutes_credited), 0) FROM rewards.accounts")),
        vouchers=one("SELECT count(*) FROM rewards.vouchers"),
        hours_alerts=one(alerts, "hours_recorded"),
        voucher_alerts=one(alerts, "voucher_issued"),
        claimed=one("SELECT count(*) FROM wishes.wishes WHERE status = 'claimed'"),
        claim_alerts=one(alerts, "wish_claimed"),
        redeemed=one(redeemed),
        attempts=sum(one(in_all.format(s, "attempts")) for s in SERVICES),
        dead=sum(one(in_all.format(s, "dead_letters")) for s in SERVICES),
        unpublished=stage.unpublished(),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a run in figures."""

    acknowledged: int
    lost: int
    doubled: int
    recovered: int  #: events that came by catch-up
    unexpected: int
    redelivered: int
    publish_errors: int
    quiet_seconds: float

    def __str__(self) -> str:
        return (
            f"acknowledged {self.acknowledged} / lost {self.lost} / doubled {self.doubled} /"
            f" recovered {self.recovered} / unexpected {self.unexpected}"
            f" (redelivered {self.redelivered}, publish errors {self.publish_errors},"
            f" quiet after {self.quiet_seconds:.1f} s)"
        )


def verdict_of(stage: Stage, crowd: Crowd, catch_up_age: int | None = None) -> Verdict:
    """Wait for quiet, check everything, and return the figures.

    Raises AssertionError with what is wrong; the figures are printed in any case.
    """
    wrong: list[str] = []
    quiet = float("nan")
    try:
        quiet = _seconds_until_quiet(stage, expected_of(crowd), 2 * (catch_up_age or 0))
    except AssertionError as error:
        wrong.append(str(error))
    missing, doubled = _records_missing(stage, crowd), _doubled(stage)
    lost_events = stage.lost_events()
    wrong += [f"lost: {event}" for event in lost_events]
    if missing:
        wrong.append(f"{len(missing)} acknowledged and not credited, as {sorted(missing)[:3]}")
    if doubled:
        wrong.append(f"{doubled} effects came twice")
    if crowd.unexpected:
        wrong.append(f"unexpected answers: {dict(crowd.unexpected)}")
    try:
        stage.wishtree("ledger", "audit")
    except AssertionError as error:
        wrong.append(str(error))
    verdict = Verdict(
        acknowledged=len(crowd.acknowledged) + len(crowd.claims) + len(crowd.redeemed),
        lost=len(missing) + len(lost_events),
        doubled=doubled,
        recovered=_recovered(stage, catch_up_age),
        unexpected=crowd.unexpected.total(),
        redelivered=stage.times_logged("redelivered messages", "bus"),
        publish_errors=stage.times_logged("bus connection lost", "bus"),
        quiet_seconds=quiet,
    )
    print(f"\n{verdict}\nrefused meanwhile: {dict(crowd.refused)}")
    assert not wrong, "\n".join(wrong)
    return verdict


def _seconds_until_quiet(stage: Stage, wanted: State, longer: float) -> float:
    """Wait until the state is as wanted. Gives up early once nothing has moved for 20 s."""
    seen, moved_at = state_of(stage), time.monotonic()

    def quiet_or_still() -> bool:
        nonlocal seen, moved_at
        now = state_of(stage)
        if now != seen:
            seen, moved_at = now, time.monotonic()
        still = time.monotonic() - moved_at > seconds(STILL_SECONDS + longer)
        # Some events change nothing that is counted; they too have to arrive.
        return still or (now == wanted and not stage.lost_events())

    def why() -> str:
        return f"not quiet: {_difference(state_of(stage), wanted)}; {stage.why()}"

    quiet = wait_until(quiet_or_still, seconds(QUIET_SECONDS + longer), why)
    assert seen == wanted, why()
    return quiet


def _difference(found: State, wanted: State) -> dict[str, Any]:
    return {
        name: f"{getattr(found, name)}, not {getattr(wanted, name)}"
        for name in State.__dataclass_fields__
        if getattr(found, name) != getattr(wanted, name)
    }


def _records_missing(stage: Stage, crowd: Crowd) -> set[str]:
    credited = stage.query("SELECT cause_id FROM rewards.transfers WHERE kind = 'earned'")
    return set(crowd.acknowledged.values()) - {str(row[0]) for row in credited}


def _doubled(stage: Stage) -> int:
    """Credits of one record, and alerts of one event to one person, beyond the first."""
    credits = stage.one(
        "SELECT count(*) - count(DISTINCT cause_id) FROM rewards.transfers WHERE kind = 'earned'"
    )
    records = stage.one(
        "SELECT count(*) - count(DISTINCT reference) FROM registration.service_records"
    )
    return int(credits + records)


def _recovered(stage: Stage, catch_up_age: int | None) -> int:
    """Events that were taken in so late that catch-up brought them."""
    if catch_up_age is None:
        return 0
    late = (
        "SELECT count(*) FROM {}.inbox AS i JOIN {}.outbox AS o ON o.id = i.event_id"
        " WHERE i.received_at - o.created_at >= make_interval(secs => %s)"
    )
    pairs = [(service, source) for service in SERVICES for source in SERVICES]
    return sum(stage.one(late.format(*pair), catch_up_age) for pair in pairs)
