"""The pool 爱心券池 at the desk: what lies in it, who asked, handing out now, and wishes it can
grant.
"""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import PAGE, Answer, do, given, named, products

bp = Blueprint("desk_pool", __name__)
HERE = "desk_pool.show_pool"


@bp.get("/desk/pool")
@page_for("staff")
def show_pool(told: Told | None = None) -> str:
    requests = ask(
        "GET", "/v1/pool/requests", query={"limit": PAGE, "after": request.args.get("after")}
    )
    wishes = ask(
        "GET", "/v1/pool/wishes", query={"limit": PAGE, "after": request.args.get("wishes_after")}
    )
    return render_template(
        "desk/pool.html",
        pool=ask("GET", "/v1/pool"),
        requests=requests,
        wishes=wishes,
        titles=named(products(), "title"),
        told=told,
    )


@bp.post("/desk/pool/allocation")
@page_for("staff")
def allocate() -> Answer:
    return do(
        "POST",
        "/v1/pool/allocations",
        {},
        then=url_for(HERE),
        done="pool-allocated",
        show=show_pool,
    )


@bp.post("/desk/pool/wishes/<uuid:wish_id>")
@page_for("staff")
def grant_wish(wish_id: UUID) -> Answer:
    body = given(request.form, "product_id", "holder_id") | {"wish_id": str(wish_id)}
    return do(
        "POST",
        "/v1/pool/wish-grants",
        body,
        then=url_for(HERE),
        done="wish-granted",
        show=show_pool,
    )


@bp.post("/desk/pool/requests/<uuid:request_id>/withdrawal")
@page_for("staff")
def withdraw(request_id: UUID) -> Answer:
    return do(
        "DELETE",
        f"/v1/pool/requests/{request_id}",
        None,
        then=url_for(HERE),
        done="request-withdrawn",
        show=show_pool,
    )
