"""How many vouchers a person may still get in a period. The account is locked, so counting first is safe."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from services.rewards.models import Period, Rule, RuleKind
from shared.clock import app_now

UNLIMITED = 1_000_000_000


@dataclass(slots=True)
class Room:
    """What each limit in force leaves to each person. `product_id` None is the limit over all products."""

    counts: dict[UUID | None, int] = field(default_factory=dict)
    used: Counter[tuple[UUID, UUID | None]] = field(default_factory=Counter)

    def left(self, volunteer_id: UUID, product_id: UUID) -> int:
        """How many more of this product this person may get now."""
        limited = [scope for scope in (product_id, None) if scope in self.counts]
        return max(0, min((self.counts[s] - self.used[volunteer_id, s] for s in limited), default=UNLIMITED))

    def take(self, volunteer_id: UUID, product_id: UUID, wanted: int) -> int:
        """Use up as much room as there is, at most `wanted`; returns how much."""
        granted = min(wanted, self.left(volunteer_id, product_id))
        self.used[volunteer_id, product_id] += granted
        self.used[volunteer_id, None] += granted
        return granted


def room_for(session: Session, volunteer_ids: Sequence[UUID]) -> Room:
    """The room of these people; without limits in force one small query."""
    room = Room()
    for rule in _limits(session):
        assert rule.count is not None and rule.period is not None
        room.counts[rule.product_id] = rule.count
        used = session.execute(
            _USED, {"ids": list(volunteer_ids), "period": rule.period.value, "product": rule.product_id}
        )
        room.used.update({(row.volunteer_id, rule.product_id): row.used for row in used})
    return room


def _limits(session: Session) -> list[Rule]:
    """The newest limit in force per scope, ended ones left out."""
    newest = session.scalars(
        select(Rule)
        .where(Rule.kind == RuleKind.LIMIT, or_(Rule.effective_from.is_(None), Rule.effective_from <= app_now()))
        .ext(distinct_on(Rule.scope))
        .order_by(Rule.scope, Rule.version.desc())
    ).all()
    moment = session.scalars(select(app_now())).one() if newest else None
    return [r for r in newest if r.effective_until is None or (moment is not None and r.effective_until > moment)]


def period_start(period: Period) -> str:
    """SQL: when the current period began, by the calendar at the site."""
    return f"date_trunc('{period.value}', app_now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'"


_SINCE = "CASE :period " + " ".join(f"WHEN '{p.value}' THEN {period_start(p)}" for p in Period) + " END"
_USED = text(
    f"""
    SELECT volunteer_id, sum(n)::bigint AS used FROM (
        SELECT volunteer_id, split_part(credit_account, ':', 2) AS product, 1 AS n FROM transfers
        WHERE volunteer_id = ANY(:ids) AND kind IN ('issued', 'donated') AND created_at >= {_SINCE}
        UNION ALL
        SELECT volunteer_id, split_part(debit_account, ':', 2), -1 FROM transfers
        WHERE volunteer_id = ANY(:ids) AND kind = 'voided' AND credit_account LIKE 'volunteer:%'
            AND created_at >= {_SINCE}
        UNION ALL
        SELECT volunteer_id, product_id::text, 1 FROM backorders WHERE volunteer_id = ANY(:ids) AND status = 'waiting'
    ) AS counted
    WHERE :product IS NULL OR product = :product::text
    GROUP BY volunteer_id
    """.replace(":product::text", "cast(:product AS text)")  # noqa: S608 - constants of this file
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("product", type_=Uuid()))
