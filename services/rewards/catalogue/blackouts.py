"""Blackout days 不可用日: a counter does not accept a product's vouchers on them.

A redemption that a venue reports for such a day has happened, and is booked all the same.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

from sqlalchemy import any_, select
from sqlalchemy.orm import Session

from services.rewards.models import Product, Voucher
from shared.core.clock import SITE, site_today
from shared.core.problems import Conflict


class BlackoutDay(Conflict):
    """The venue does not take this voucher today."""


def refuse_on_blackout_days(session: Session, voucher: Voucher) -> None:
    """Raise BlackoutDay on a blackout day at the site.

    The problem names the next day on which the voucher can be used, if one is left.
    """
    row = session.execute(
        select(Product.blackout_days, site_today().label("today")).where(
            Product.id == voucher.product_id, site_today() == any_(Product.blackout_days)
        )
    ).one_or_none()
    if row is None:
        return
    following = next_possible_day(row.today, row.blackout_days, voucher.expires_at)
    if following is None:
        raise BlackoutDay(
            f"Not on {row.today}, and no day is left before it expires.", next_possible_on=None
        )
    raise BlackoutDay(
        f"Not on {row.today}; the next possible day is {following}.",
        next_possible_on=str(following),
    )


def next_possible_day(
    today: date, blackout_days: Collection[date], expires_at: datetime
) -> date | None:
    """Return the next day that is no blackout day and begins before the voucher expires."""
    closed, day = frozenset(blackout_days), today + timedelta(days=1)
    while day in closed:
        day += timedelta(days=1)
    return day if datetime.combine(day, time(), SITE) < expires_at else None
