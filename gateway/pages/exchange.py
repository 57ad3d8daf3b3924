"""What points can become, and exchanging them."""

from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ask_all, get, post
from gateway.forms import Answer, submit_and
from gateway.queries import PRODUCTS, VENUE_NAMES, account_of, names_by_id
from gateway.refusals import Refusal
from shared.core.json import JsonObject

bp = Blueprint("exchange", __name__)

ISSUE_RULES = get("/v1/rules", kind="issue", in_force="true", limit=200)


@bp.get("/wallet/exchange")
@page_for("volunteer")
def show_exchange(refusal: Refusal | None = None) -> str:
    account, rules, products, venues = ask_all(
        account_of(g.login_session.subject), ISSUE_RULES, PRODUCTS, VENUE_NAMES
    )
    offered = {rule["product_id"] for rule in rules["items"]}
    return render_template(
        "exchange.html",
        account=account,
        refusal=refusal,
        venues=names_by_id(venues),
        products=[product for product in products["items"] if product["id"] in offered],
    )


@bp.post("/wallet/exchange/<uuid:product_id>")
@page_for("volunteer")
def exchange(product_id: UUID) -> Answer:
    """Exchange points for a voucher or, without stock, for a backorder."""
    body = {"product_id": str(product_id), "wait": request.form.get("do") == "wait"}
    return submit_and(post("/v1/exchanges", body), _go_to_wallet, show_exchange)


def _go_to_wallet(exchanged: JsonObject) -> Answer:
    waits = exchanged.get("voucher_id") is None and exchanged.get("voucher") is None
    return redirect(url_for("wallet.show_wallet", done="waits" if waits else "exchanged"))
