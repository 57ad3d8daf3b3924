"""The pool 爱心券池 for everybody: what lies in it, asking for a voucher, and what became of one's
requests.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, g, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import PAGE, Answer, do, given, named, products

bp = Blueprint("pool", __name__)

NEEDS = ("low_income", "disability", "elderly", "child", "carer", "other")
HERE = "pool.show_pool"


@bp.get("/pool")
def show_pool(told: Told | None = None) -> str:
    session = current_app.extensions["sessions"].current()
    requests = None
    if session is not None and session.volunteers:
        requests = ask(
            "GET", "/v1/pool/requests", query={"limit": PAGE, "after": request.args.get("after")}
        )
        requests["items"] = [_explained(one) for one in requests["items"]]
    return render_template(
        "pool.html",
        pool=ask("GET", "/v1/pool"),
        requests=requests,
        needs=NEEDS,
        titles=named(products(), "title"),
        told=told,
    )


@bp.post("/pool")
@page_for("volunteer")
def ask_for_one() -> Answer:
    """For oneself; a coordinator asks for a resident, by the id of that person."""
    body = given(request.form, "product_id", "need")
    body["recipient_id"] = request.form.get("recipient_id", "").strip() or g.session.subject
    return do(
        "POST", "/v1/pool/requests", body, then=url_for(HERE), done="request-made", show=show_pool
    )


@bp.post("/pool/<uuid:request_id>/withdrawal")
@page_for("volunteer")
def withdraw(request_id: UUID) -> Answer:
    return do(
        "DELETE",
        f"/v1/pool/requests/{request_id}",
        None,
        then=url_for(HERE),
        done="request-withdrawn",
        show=show_pool,
    )


def _explained(one: dict[str, Any]) -> dict[str, Any]:
    """Why it was granted is told one by one."""
    if one["status"] != "granted" or "explanation" in one:
        return one
    return one | {"explanation": ask("GET", f"/v1/pool/requests/{one['id']}").get("explanation")}
