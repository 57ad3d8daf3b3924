"""Public numbers of the tree: how many wishes were collected, lit and granted."""

from apiflask import APIBlueprint
from flask import after_this_request

from services.wishes import board
from services.wishes.api.access import add_etag
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
    """Wishes collected (verified), lit (claimed or granted) and granted (confirmed)."""

    collected: int
    lit: int
    granted: int
    by_category: list[TallyResponse]


@bp.get("/statistics/wishes")
@bp.output(StatisticsResponse)
@bp.doc(summary="Count the wishes collected, lit and granted, by category")
@allow(public=True)
def get_statistics() -> StatisticsResponse:
    with transaction() as session:
        tallies = board.tally_by_category(session)
    after_this_request(add_etag)
    return StatisticsResponse(
        collected=sum(tally.collected for tally in tallies),
        lit=sum(tally.lit for tally in tallies),
        granted=sum(tally.granted for tally in tallies),
        by_category=[TallyResponse.model_validate(tally) for tally in tallies],
    )
