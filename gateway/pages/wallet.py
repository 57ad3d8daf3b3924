"""The wallet of a volunteer: points and vouchers, a code on demand, giving a voucher on, how it all
came about.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import segno
from flask import Blueprint, Response, g, render_template, request, url_for
from markupsafe import Markup

from gateway.access import page_for
from gateway.client import Told, ask, fetch
from gateway.forms import PAGE, Answer, do, if_there, named, products, venues
from gateway.months import days_of, months_until
from shared.core.clock import SITE

bp = Blueprint("wallet", __name__)

CHOICES = ("issue", "save", "give_on")
USABLE = ("issued", "held")
HERE = "wallet.show_wallet"


@bp.get("/wallet")
@page_for("volunteer")
def show_wallet(told: Told | None = None) -> str:
    page = ask(
        "GET",
        "/v1/vouchers",
        query={"holder_id": g.session.subject, "limit": PAGE, "after": request.args.get("after")},
    )
    page["items"].sort(
        key=lambda voucher: voucher["status"] not in USABLE
    )  # what can be used comes first
    return render_template(
        "wallet.html",
        page=page,
        account=_account(),
        venues=named(venues()),
        products=products(),
        choices=CHOICES,
        told=told,
    )


@bp.post("/wallet/choice")
@page_for("volunteer")
def choose() -> Answer:
    """What happens to points from now on."""
    body = {"choice": request.form.get("choice")}
    if request.form.get("product_id"):
        body["product_id"] = request.form["product_id"]
    return do(
        "PUT",
        f"/v1/accounts/{g.session.subject}/standing-choice",
        body,
        then=url_for(HERE),
        done="choice-kept",
        show=show_wallet,
    )


@bp.post("/wallet/<uuid:voucher_id>/code")
@page_for("volunteer")
def show_code(voucher_id: UUID) -> str | tuple[str, int]:
    """Asked for by a click, because each look is logged. The answer is not kept by the browser."""
    try:
        code = ask("GET", f"/v1/vouchers/{voucher_id}/code")["code"]
    except Told as told:
        return show_wallet(told), told.status
    # Drawn here, not asked for: a second question would be a second look in the log.
    drawn = segno.make_qr(code).svg_inline(
        scale=6, border=4, light="#fff", dark="#000", omitsize=True, title=code
    )
    return render_template("code.html", code=code, voucher_id=voucher_id, qr=Markup(drawn))  # noqa: S704 - segno's own


@bp.post("/wallet/<uuid:voucher_id>/card")
@page_for("volunteer")
def show_card(voucher_id: UUID) -> Response | tuple[str, int]:
    """The voucher as a card to print, or to keep among the photos of a phone."""
    try:
        card = fetch("GET", f"/v1/vouchers/{voucher_id}/card.svg")
    except Told as told:
        return show_wallet(told), told.status
    return Response(card.get_data(), content_type="image/svg+xml")


@bp.get("/wallet/<uuid:voucher_id>")
@page_for("volunteer")
def show_voucher(voucher_id: UUID, told: Told | None = None) -> str:
    """One voucher: giving it on, whose hands it went through, and which hours are behind it."""
    voucher = ask("GET", f"/v1/vouchers/{voucher_id}")
    chain = if_there("GET", f"/v1/vouchers/{voucher_id}/chain", {"items": []})
    trace = if_there("GET", f"/v1/vouchers/{voucher_id}/trace", {"transfers": [], "sources": []})
    return render_template(
        "voucher.html", voucher=voucher, chain=chain, trace=trace, venues=named(venues()), told=told
    )


@bp.post("/wallet/<uuid:voucher_id>/gift")
@page_for("volunteer")
def give(voucher_id: UUID) -> Answer:
    """To the pool, or to a person by their volunteer id; unnamed unless the giver says so. It
    cannot be taken back.
    """
    to_pool = request.form.get("to") != "person"
    body: dict[str, Any] = {
        "to": "pool" if to_pool else request.form.get("receiver", "").strip(),
        "named": request.form.get("named") == "yes",
    }
    done = "given-to-pool" if to_pool else "given-to-person"
    return do(
        "POST",
        f"/v1/vouchers/{voucher_id}/gift",
        body,
        then=url_for(HERE),
        done=done,
        show=lambda told: show_voucher(voucher_id, told),
    )


@bp.get("/wallet/statement")
@page_for("volunteer")
def show_statement() -> str:
    months = months_until(datetime.now(SITE).date(), 24)
    month = request.args.get("month", "")
    month = month if month in months else months[0]
    first, last = days_of(month)
    statement = ask(
        "GET",
        f"/v1/accounts/{g.session.subject}/statement",
        query={"from": first, "to": last, "limit": 100, "after": request.args.get("after")},
    )
    return render_template("statement.html", statement=statement, months=months, month=month)


@bp.get("/wallet/hours")
@page_for("volunteer")
def show_hours() -> str:
    """How points came about: record by record, with the rule that counted."""
    explained = ask(
        "GET",
        f"/v1/accounts/{g.session.subject}/explain",
        query={"limit": 50, "after": request.args.get("after")},
    )
    return render_template("explain.html", explained=explained)


def _account() -> dict[str, Any]:
    found: dict[str, Any] = if_there("GET", f"/v1/accounts/{g.session.subject}", {})
    return found
