"""A small tree for the demo station: eight wishes, one in each state that a visitor may want to
see.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.demo import district
from services.wishes import claims, lifecycle
from services.wishes.claims import Claimer
from services.wishes.contacts import Guardian, Person
from services.wishes.models import AgeBand, Wish
from shared.contracts.wishes import ClaimerKind

ACTOR = f"staff:{district.STAFF_ID}"
SHEN_FANG = Claimer(district.SHEN_FANG_ID, ClaimerKind.VOLUNTEER)
WANG_QIANG = Claimer(district.WANG_QIANG_ID, ClaimerKind.VOLUNTEER)
COMPANY = Claimer(district.COMPANY_ID, ClaimerKind.ORGANISATION)

CHEN = Person("陈奶奶", "+8613900000001")
XIAO_MING = Person("小明", "+8613900000002", Guardian("明妈妈", "+8613900000003"))

WISHES = (
    (
        "一条保暖的毛毯",
        "冬天冷, 想要一条厚毛毯。",
        "goods",
        CHEN,
        AgeBand.SENIOR,
        "confirmed",
        SHEN_FANG,
    ),
    (
        "一起看一场电影",
        "很久没进电影院了, 想有人陪。",
        "company",
        CHEN,
        AgeBand.SENIOR,
        "fulfilled",
        WANG_QIANG,
    ),
    (
        "一个新书包",
        "开学要用的书包, 蓝色最好。",
        "goods",
        XIAO_MING,
        AgeBand.CHILD,
        "claimed",
        COMPANY,
    ),
    (
        "修一修漏水的水龙头",
        "厨房的水龙头漏水, 盼有人来修。",
        "service",
        CHEN,
        AgeBand.SENIOR,
        "published",
        None,
    ),
    (
        "一套彩色铅笔",
        "喜欢画画, 想要一套彩色铅笔。",
        "goods",
        XIAO_MING,
        AgeBand.CHILD,
        "published",
        None,
    ),
    (
        "教我用智能手机",
        "想学会和外地的孙女视频。",
        "service",
        CHEN,
        AgeBand.SENIOR,
        "published",
        None,
    ),
    ("陪我下象棋", "周末下午想找人下棋。", "company", CHEN, AgeBand.SENIOR, "verified", None),
    ("一台收音机", "想听越剧, 小的就行。", "goods", CHEN, AgeBand.SENIOR, "submitted", None),
)


def seed(session: Session) -> Iterable[str]:
    """Hang the demo wishes, through the same verbs as everybody. Does nothing when there are
    wishes.
    """
    if session.scalar(select(Wish.id).limit(1)) is not None:
        return
    for title, description, category, person, band, state, claimer in WISHES:
        wish = lifecycle.submit_wish(
            session,
            person,
            band,
            title=title,
            description=description,
            category=category,
            station_id=district.STATION_ID,
            need_by=None,
            actor=ACTOR,
        )
        _bring_to(session, wish, state, claimer)
    yield f"{len(WISHES)} wishes hang on the tree of the demo station."


def _bring_to(session: Session, wish: Wish, state: str, claimer: Claimer | None) -> None:
    if state == "submitted":
        return
    lifecycle.verify_wish(session, wish.id, ACTOR)
    if state == "verified":
        return
    lifecycle.publish_wish(session, wish.id, ACTOR)
    if claimer is None:
        return
    claimed = claims.claim_wish(session, wish.id, claimer, ACTOR)
    if state in ("fulfilled", "confirmed"):
        claims.fulfil_wish(session, wish.id, claimer, ACTOR, fence=claimed.fence, note="已送到")
    if state == "confirmed":
        claims.confirm_wish(session, wish.id, ACTOR, not_by=())
