"""The pool 爱心券池 at the desk: vouchers, requests, allocating, wishes it can grant."""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask_all, delete, get, post
from gateway.forms import Answer, filled_in, submit
from gateway.queries import PRODUCT_NAMES, get_page, titles_by_id
from gateway.refusals import Refusal

bp = Blueprint("desk_pool", __name__)

HERE = "desk_pool.show_pool"


@bp.get("/desk/pool")
@page_for("staff")
def show_pool(refusal: Refusal | None = None) -> str:
    pool, requests, wishes, products = ask_all(
        get("/v1/pool"),
        get_page("/v1/pool/requests"),
        get_page("/v1/pool/wishes", after=request.args.get("wishes_after")).as_part(),
        PRODUCT_NAMES,
    )
    return render_template(
        "desk/pool.html",
        pool=pool,
        requests=requests,
        wishes=wishes,
        titles=titles_by_id(products),
        refusal=refusal,
    )


@bp.post("/desk/pool/allocation")
@page_for("staff")
def allocate() -> Answer:
    return _change(post("/v1/pool/allocations", {}), "pool-allocated")


@bp.post("/desk/pool/wishes/<uuid:wish_id>")
@page_for("staff")
def grant_wish(wish_id: UUID) -> Answer:
    body = filled_in("product_id", "holder_id") | {"wish_id": str(wish_id)}
    return _change(post("/v1/pool/wish-grants", body), "wish-granted")


@bp.post("/desk/pool/requests/<uuid:request_id>/withdrawal")
@page_for("staff")
def withdraw(request_id: UUID) -> Answer:
    return _change(delete(f"/v1/pool/requests/{request_id}"), "request-withdrawn")


def _change(wanted: ApiRequest, done: str) -> Answer:
    return submit(wanted, then=url_for(HERE), done=done, show=show_pool)
