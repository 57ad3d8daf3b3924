"""What points can become, and exchanging them."""

from typing import Any
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import Answer, if_there, named, products, venues

bp = Blueprint("exchange", __name__)


@bp.get("/wallet/exchange")
@page_for("volunteer")
def show_exchange(told: Told | None = None) -> str:
    account = if_there("GET", f"/v1/accounts/{g.session.subject}", {})
    rules = ask("GET", "/v1/rules", query={"kind": "issue", "in_force": "true", "limit": 200})[
        "items"
    ]
    offered = {rule["product_id"] for rule in rules}
    return render_template(
        "exchange.html",
        account=account,
        told=told,
        venues=named(venues()),
        products=[one for one in products() if one["id"] in offered],
    )


@bp.post("/wallet/exchange/<uuid:product_id>")
@page_for("volunteer")
def exchange(product_id: UUID) -> Answer:
    """Points for a voucher; or, when there are none left, a place in the queue."""
    body: dict[str, Any] = {"product_id": str(product_id), "wait": request.form.get("do") == "wait"}
    try:
        answer = ask("POST", "/v1/exchanges", body)
    except Told as told:
        return show_exchange(told), told.status
    waits = answer.get("voucher_id") is None and answer.get("voucher") is None
    return redirect(url_for("wallet.show_wallet", done="waits" if waits else "exchanged"))
