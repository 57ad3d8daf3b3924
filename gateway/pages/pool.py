"""The pool 爱心券池 for everybody: its vouchers, requesting one, one's own requests."""

from uuid import UUID

from flask import Blueprint, g, render_template, url_for

from gateway.access import page_for
from gateway.client import ask_all, delete, get, post
from gateway.forms import Answer, field_text, filled_in, submit
from gateway.login_sessions import current_login
from gateway.queries import PRODUCT_NAMES, get_page, titles_by_id
from gateway.refusals import Missing, Refusal
from shared.core.json import JsonObject

bp = Blueprint("pool", __name__)

NEEDS = ("low_income", "disability", "elderly", "child", "carer", "other")
HERE = "pool.show_pool"
REQUESTS = "/v1/pool/requests"


@bp.get("/pool")
def show_pool(refusal: Refusal | None = None) -> str:
    login = current_login()
    own = get_page(REQUESTS).as_part() if login is not None and login.volunteers else None
    pool, products, requests = ask_all(get("/v1/pool"), PRODUCT_NAMES, own)
    return render_template(
        "pool.html",
        pool=pool,
        requests=_explained(requests) if requests else None,
        needs=NEEDS,
        titles=titles_by_id(products),
        refusal=refusal,
    )


@bp.post("/pool")
@page_for("volunteer")
def request_voucher() -> Answer:
    """For oneself; a coordinator names a resident by id."""
    body = filled_in("product_id", "need")
    body["recipient_id"] = field_text("recipient_id") or g.login_session.subject
    wanted = post(REQUESTS, body)
    return submit(wanted, then=url_for(HERE), done="request-made", show=show_pool)


@bp.post("/pool/<uuid:request_id>/withdrawal")
@page_for("volunteer")
def withdraw(request_id: UUID) -> Answer:
    wanted = delete(f"{REQUESTS}/{request_id}")
    return submit(wanted, then=url_for(HERE), done="request-withdrawn", show=show_pool)


def _explained(page: JsonObject | Missing) -> JsonObject | Missing:
    """The requests, each granted one with the reason, which the list itself leaves out."""
    if isinstance(page, Missing):
        return page
    granted = [one for one in page["items"] if one["status"] == "granted"]
    lacking = [one["id"] for one in granted if "explanation" not in one]
    found = ask_all(*(get(f"{REQUESTS}/{request_id}").as_part() for request_id in lacking))
    given = [one for one in found if not isinstance(one, Missing)]
    explanations = {one["id"]: one.get("explanation") for one in given}
    items = [{"explanation": explanations.get(one["id"])} | one for one in page["items"]]
    return page | {"items": items}
