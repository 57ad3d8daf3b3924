"""The tree: wishes that everybody may see, and claiming one."""

from typing import Any
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from gateway.access import page_for
from gateway.client import Told, ask

bp = Blueprint("tree", __name__)

LABELS = ("待认领", "已认领", "已完成")
PAGE = 12


@bp.get("/")
def show_tree() -> str:
    label = request.args.get("label")
    label = label if label in LABELS else None
    category = request.args.get("category")
    counts = ask("GET", "/v1/statistics/wishes")
    page = ask(
        "GET",
        "/v1/wishes",
        query={
            "label": label,
            "category": category,
            "limit": PAGE,
            "after": request.args.get("after"),
        },
    )
    return render_template(
        "tree.html", counts=counts, page=page, labels=LABELS, label=label, category=category
    )


@bp.get("/wishes/<uuid:wish_id>")
def show_wish(wish_id: UUID, told: Told | None = None) -> str:
    wish = ask("GET", f"/v1/wishes/{wish_id}")
    return render_template("wish.html", wish=wish, told=told, done=request.args.get("done"))


@bp.post("/wishes/<uuid:wish_id>/claim")
@page_for("volunteer")
def claim_wish(wish_id: UUID) -> Response | tuple[str, int]:
    claimer: dict[str, Any] = {"claimer_id": g.session.subject, "claimer_kind": "volunteer"}
    try:
        ask("PUT", f"/v1/wishes/{wish_id}/claim", claimer)
    except Told as told:
        return show_wish(wish_id, told), told.status
    return redirect(url_for("tree.show_wish", wish_id=wish_id, done="claimed"))
