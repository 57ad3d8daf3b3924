"""The wallet of a volunteer: points, vouchers, a code on demand, giving a voucher on, and how it
all came about.
"""

from uuid import UUID

import segno
from flask import Blueprint, Response, g, render_template, request, url_for
from markupsafe import Markup

from gateway.access import page_for
from gateway.client import ask, ask_all, fetch, get, post, put
from gateway.forms import Answer, field_text, filled_in, submit, submit_and
from gateway.months import days_of, recent_months
from gateway.page_calls import Patience
from gateway.queries import PRODUCT_NAMES, VENUE_NAMES, account_of, get_page, names_by_id
from gateway.refusals import Missing, Refusal
from shared.core.json import JsonObject

bp = Blueprint("wallet", __name__)

CHOICES = ("issue", "save", "give_on")
USABLE = ("issued", "held")
HERE = "wallet.show_wallet"


@bp.get("/wallet")
@page_for("volunteer")
def show_wallet(refusal: Refusal | None = None) -> str:
    subject = g.login_session.subject
    vouchers, account, venues, products = ask_all(
        get_page("/v1/vouchers", holder_id=subject),
        account_of(subject).as_part(),
        VENUE_NAMES,
        PRODUCT_NAMES,
    )
    return render_template(
        "wallet.html",
        page=_usable_first(vouchers),
        account=account,
        venues=names_by_id(venues),
        products=[] if isinstance(products, Missing) else products["items"],
        choices=CHOICES,
        refusal=refusal,
    )


@bp.post("/wallet/choice")
@page_for("volunteer")
def choose() -> Answer:
    """What happens to points from now on."""
    path = f"/v1/accounts/{g.login_session.subject}/standing-choice"
    body = {"choice": request.form.get("choice")} | filled_in("product_id")
    return submit(put(path, body), then=url_for(HERE), done="choice-kept", show=show_wallet)


@bp.post("/wallet/<uuid:voucher_id>/code")
@page_for("volunteer")
def show_code(voucher_id: UUID) -> Answer:
    """Asked for by a click, because each look is logged. The browser does not keep the answer."""

    def show(answer: dict[str, str]) -> str:
        code = answer["code"]
        return render_template("code.html", code=code, voucher_id=voucher_id, qr=_qr(code))

    return submit_and(get(f"/v1/vouchers/{voucher_id}/code"), show, show_wallet)


@bp.post("/wallet/<uuid:voucher_id>/card")
@page_for("volunteer")
def show_card(voucher_id: UUID) -> Answer:
    """The voucher as a card to print, or to keep among the photos of a phone."""
    try:
        card = fetch(get(f"/v1/vouchers/{voucher_id}/card.svg"))
    except Refusal as refusal:
        return show_wallet(refusal), refusal.status
    return Response(card.get_data(), content_type="image/svg+xml")


@bp.get("/wallet/<uuid:voucher_id>")
@page_for("volunteer")
def show_voucher(voucher_id: UUID, refusal: Refusal | None = None) -> str:
    """One voucher: giving it on, its holders so far, and the hours that paid for it."""
    path = f"/v1/vouchers/{voucher_id}"
    voucher, chain, trace, venues = ask_all(
        get(path),
        get(f"{path}/chain").or_else({"items": []}).as_part(),
        get(f"{path}/trace").or_else({"transfers": [], "sources": []}).as_part(),
        VENUE_NAMES,
    )
    return render_template(
        "voucher.html",
        voucher=voucher,
        chain=chain,
        trace=trace,
        venues=names_by_id(venues),
        refusal=refusal,
    )


@bp.post("/wallet/<uuid:voucher_id>/gift")
@page_for("volunteer")
def give(voucher_id: UUID) -> Answer:
    """To the pool, or to a person by volunteer id; unnamed unless the giver says so.

    It cannot be taken back.
    """
    to_person = request.form.get("to") == "person"
    body = {
        "to": field_text("receiver") if to_person else "pool",
        "named": request.form.get("named") == "yes",
    }
    return submit(
        post(f"/v1/vouchers/{voucher_id}/gift", body),
        then=url_for(HERE),
        done="given-to-person" if to_person else "given-to-pool",
        show=lambda refusal: show_voucher(voucher_id, refusal),
    )


@bp.get("/wallet/statement")
@page_for("volunteer")
def show_statement() -> str:
    months, wanted = recent_months(), request.args.get("month", "")
    month = wanted if wanted in months else months[0]
    first, last = days_of(month)
    path = f"/v1/accounts/{g.login_session.subject}/statement"
    page = get_page(path, limit=100, **{"from": first, "to": last})
    statement = ask(page.with_patience(Patience.REPORT))
    return render_template("statement.html", statement=statement, months=months, month=month)


@bp.get("/wallet/hours")
@page_for("volunteer")
def show_hours() -> str:
    """How points came about: record by record, with the rule that counted."""
    page = get_page(f"/v1/accounts/{g.login_session.subject}/explain", limit=50)
    explained = ask(page.with_patience(Patience.REPORT))
    return render_template("explain.html", explained=explained)


def _usable_first(page: JsonObject) -> JsonObject:
    items = sorted(page["items"], key=lambda voucher: voucher["status"] not in USABLE)
    return page | {"items": items}


def _qr(code: str) -> Markup:
    """Drawn here and not asked for: a second request would be a second look in the log."""
    drawn = segno.make_qr(code).svg_inline(
        scale=6, border=4, light="#fff", dark="#000", omitsize=True, title=code
    )
    return Markup(drawn)  # noqa: S704 - segno's own
