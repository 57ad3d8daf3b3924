"""Public numbers of the tree."""

from typing import Any

from apiflask import APIBlueprint
from flask import after_this_request

from services.wishes import board
from services.wishes.api.access import answer_unchanged
from shared.auth.access import allow
from shared.db.engine import transaction
from shared.http.schemas import ResponseModel

bp = APIBlueprint("statistics", __name__, url_prefix="/v1", tag="statistics")


class TallyResponse(ResponseModel):
    category: str
    collected: int
    lit: int
    granted: int


class StatisticsResponse(ResponseModel):
    """Wishes collected (vouched for), lit (claimed or granted) and granted (confirmed)."""

    collected: int
    lit: int
    granted: int
    by_category: list[TallyResponse]


@bp.get("/statistics/wishes")
@bp.output(StatisticsResponse)
@bp.doc(summary="How many wishes were collected, lit and granted, by category")
@allow(public=True)
def get_statistics() -> dict[str, Any]:
    with transaction() as session:
        tallies = board.tally_by_category(session)
    after_this_request(answer_unchanged)
    return {
        "collected": sum(t.collected for t in tallies),
        "lit": sum(t.lit for t in tallies),
        "granted": sum(t.granted for t in tallies),
        "by_category": tallies,
    }
