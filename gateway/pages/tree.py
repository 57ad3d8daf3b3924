"""The tree: wishes that everybody may see, and claiming one."""

from uuid import UUID

from flask import Blueprint, g, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ask, ask_all, get, put
from gateway.forms import Answer, submit
from gateway.queries import get_page
from gateway.refusals import Refusal

bp = Blueprint("tree", __name__)

LABELS = ("待认领", "已认领", "已完成")
PAGE = 12


@bp.get("/")
def show_tree() -> str:
    wanted, category = request.args.get("label"), request.args.get("category")
    label = wanted if wanted in LABELS else None
    counts, page = ask_all(
        get("/v1/statistics/wishes").as_part(),
        get_page("/v1/wishes", label=label, category=category, limit=PAGE),
    )
    return render_template(
        "tree.html", counts=counts, page=page, labels=LABELS, label=label, category=category
    )


@bp.get("/wishes/<uuid:wish_id>")
def show_wish(wish_id: UUID, refusal: Refusal | None = None) -> str:
    wish = ask(get(f"/v1/wishes/{wish_id}"))
    return render_template("wish.html", wish=wish, refusal=refusal, done=request.args.get("done"))


@bp.post("/wishes/<uuid:wish_id>/claim")
@page_for("volunteer")
def claim_wish(wish_id: UUID) -> Answer:
    claimer = {"claimer_id": g.login_session.subject, "claimer_kind": "volunteer"}
    return submit(
        put(f"/v1/wishes/{wish_id}/claim", claimer),
        then=url_for("tree.show_wish", wish_id=wish_id),
        done="claimed",
        show=lambda refusal: show_wish(wish_id, refusal),
    )
