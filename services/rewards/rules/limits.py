"""How many vouchers a person may still get in a period.

The account is locked by the caller, so counting first is safe.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from services.rewards.models import Period, Rule, RuleKind
from services.rewards.rules.versions import rules_in_force

UNLIMITED = 1_000_000_000


@dataclass(slots=True)
class Room:
    """What each limit in force leaves to each person. The product None is the limit over all."""

    counts: dict[UUID | None, int] = field(default_factory=dict)
    used: Counter[tuple[UUID, UUID | None]] = field(default_factory=Counter)

    def left(self, volunteer_id: UUID, product_id: UUID) -> int:
        """Count how many more of this product this person may get now."""
        rest = [
            self.counts[scope] - self.used[volunteer_id, scope]
            for scope in (product_id, None)
            if scope in self.counts
        ]
        return max(0, min(rest, default=UNLIMITED))

    def take(self, volunteer_id: UUID, product_id: UUID, wanted: int) -> int:
        """Use up as much room as there is, at most `wanted`; returns how much."""
        granted = min(wanted, self.left(volunteer_id, product_id))
        self.used[volunteer_id, product_id] += granted
        self.used[volunteer_id, None] += granted
        return granted


def room_for(
    session: Session, volunteer_ids: Sequence[UUID], proposed: Sequence[Rule] = ()
) -> Room:
    """Count the room of these people, under limits only `proposed` as well.

    Without limits in force this is one small query.
    """
    room = Room()
    for rule in rules_in_force(session, RuleKind.LIMIT, proposed):
        assert rule.count is not None and rule.period is not None
        room.counts[rule.product_id] = rule.count
        used = session.execute(
            _USED,
            {"ids": list(volunteer_ids), "period": rule.period.value, "product": rule.product_id},
        )
        room.used.update({(row.volunteer_id, rule.product_id): row.used for row in used})
    return room


def period_start(period: Period) -> str:
    """SQL: when the current period began, by the calendar at the site."""
    zone = "AT TIME ZONE 'Asia/Shanghai'"
    return f"date_trunc('{period.value}', app_now() {zone}) {zone}"


_SINCE = (
    "CASE :period " + " ".join(f"WHEN '{p.value}' THEN {period_start(p)}" for p in Period) + " END"
)
_USED = text(
    f"""
    WITH people AS (
        SELECT id AS volunteer_id, id AS owner FROM unnest(:ids) AS id
        UNION ALL SELECT volunteer_id, merged_into FROM accounts WHERE merged_into = ANY(:ids)
    )
    SELECT owner AS volunteer_id, count(*) AS used FROM (
        SELECT owner, split_part(t.credit_account, ':', 2) AS product
        FROM people JOIN transfers t USING (volunteer_id)
        WHERE t.kind IN ('issued', 'donated') AND t.created_at >= {_SINCE} AND NOT EXISTS (
            WITH RECURSIVE codes AS (
                SELECT t.cause_id AS id
                UNION ALL
                SELECT h.to_voucher_id FROM handovers h JOIN codes ON h.from_voucher_id = codes.id
                WHERE h.kind = 'reissue'
            )
            SELECT FROM transfers AS back JOIN codes ON back.cause_id = codes.id
            WHERE back.kind = 'voided' AND back.credit_account LIKE 'volunteer:%')
        UNION ALL
        SELECT owner, product_id::text FROM people JOIN backorders USING (volunteer_id)
        WHERE status = 'waiting'
    ) AS counted
    WHERE :product IS NULL OR product = cast(:product AS text)
    GROUP BY owner
    """  # noqa: S608 - constants of this file
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("product", type_=Uuid()))
"""What counts: vouchers paid for in the period and not given back, and backorders.

Those of accounts that were merged into a person count too.
"""
