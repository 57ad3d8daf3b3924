"""A small tree for the demo station: eight wishes in six states."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.demo import district
from services.wishes import claims, lifecycle
from services.wishes.claimers import Claimer
from services.wishes.contacts import Guardian, Person
from services.wishes.lifecycle import NewWish
from services.wishes.models import AgeBand, Wish, WishStatus
from shared.contracts.wishes import ClaimerKind

ACTOR = f"staff:{district.STAFF_ID}"
SHEN_FANG = Claimer(district.SHEN_FANG_ID, ClaimerKind.VOLUNTEER)
WANG_QIANG = Claimer(district.WANG_QIANG_ID, ClaimerKind.VOLUNTEER)
COMPANY = Claimer(district.COMPANY_ID, ClaimerKind.ORGANISATION)

CHEN = Person("陈奶奶", "+8613900000001")
XIAO_MING = Person("小明", "+8613900000002", Guardian("明妈妈", "+8613900000003"))


@dataclass(frozen=True, slots=True)
class DemoWish:
    """A wish, and how far it has come."""

    title: str
    description: str
    category: str
    status: WishStatus
    person: Person = CHEN
    age_band: AgeBand = AgeBand.SENIOR
    claimer: Claimer | None = None


WISHES = (
    DemoWish(
        "一条保暖的毛毯",
        "冬天冷, 想要一条厚毛毯。",
        "goods",
        WishStatus.CONFIRMED,
        claimer=SHEN_FANG,
    ),
    DemoWish(
        "一起看一场电影",
        "很久没进电影院了, 想有人陪。",
        "company",
        WishStatus.FULFILLED,
        claimer=WANG_QIANG,
    ),
    DemoWish(
        "一个新书包",
        "开学要用的书包, 蓝色最好。",
        "goods",
        WishStatus.CLAIMED,
        XIAO_MING,
        AgeBand.CHILD,
        claimer=COMPANY,
    ),
    DemoWish(
        "修一修漏水的水龙头",
        "厨房的水龙头漏水, 盼有人来修。",
        "service",
        WishStatus.PUBLISHED,
    ),
    DemoWish(
        "一套彩色铅笔",
        "喜欢画画, 想要一套彩色铅笔。",
        "goods",
        WishStatus.PUBLISHED,
        XIAO_MING,
        AgeBand.CHILD,
    ),
    DemoWish("教我用智能手机", "想学会和外地的孙女视频。", "service", WishStatus.PUBLISHED),
    DemoWish("陪我下象棋", "周末下午想找人下棋。", "company", WishStatus.VERIFIED),
    DemoWish("一台收音机", "想听越剧, 小的就行。", "goods", WishStatus.SUBMITTED),
)


def seed(session: Session) -> Iterable[str]:
    """Add the demo wishes through the usual verbs; do nothing where there is a wish already."""
    if session.scalar(select(Wish.id).limit(1)) is not None:
        return
    for demo in WISHES:
        _advance(session, _submit(session, demo), demo)
    yield f"{len(WISHES)} wishes hang on the tree of the demo station."


def _submit(session: Session, demo: DemoWish) -> Wish:
    new = NewWish(demo.title, demo.description, demo.category, demo.age_band, district.STATION_ID)
    return lifecycle.submit_wish(session, demo.person, new, ACTOR)


def _advance(session: Session, wish: Wish, demo: DemoWish) -> None:
    """Move a submitted wish to the state that it has in the demo."""
    if demo.status is WishStatus.SUBMITTED:
        return
    lifecycle.verify_wish(session, wish.id, ACTOR)
    if demo.status is WishStatus.VERIFIED:
        return
    lifecycle.publish_wish(session, wish.id, ACTOR)
    if demo.claimer is not None:
        _grant(session, wish, demo.status, demo.claimer)


def _grant(session: Session, wish: Wish, status: WishStatus, claimer: Claimer) -> None:
    claimed = claims.claim_wish(session, wish.id, claimer, ACTOR)
    if status in (WishStatus.FULFILLED, WishStatus.CONFIRMED):
        claims.fulfil_wish(session, wish.id, claimer, ACTOR, fence=claimed.fence, note="已送到")
    if status is WishStatus.CONFIRMED:
        claims.confirm_wish(session, wish.id, ACTOR, not_by=())
