"""Products and their stock: what points can become, for how long, and how many of it are left."""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import Told, ask
from gateway.forms import Answer, do, fen, given, named, products, venues

bp = Blueprint("desk_products", __name__)
HERE = "desk_products.show_products"


@bp.get("/desk/products")
@page_for("staff")
def show_products(told: Told | None = None) -> str:
    return render_template(
        "desk/products.html",
        products=products(),
        venues=named(venues()),
        form=request.form,
        told=told,
    )


@bp.post("/desk/products")
@page_for("staff")
def add_product() -> Answer:
    terms = {name: value for name, value in _terms().items() if value not in (None, [])}
    body = (
        given(request.form, "venue_id", "title", numbers=("points", "stock", "valid_days")) | terms
    )
    return do(
        "POST", "/v1/products", body, then=url_for(HERE), done="product-added", show=show_products
    )


@bp.get("/desk/products/<uuid:product_id>")
@page_for("staff")
def show_product(product_id: UUID, told: Told | None = None) -> str:
    return render_template(
        "desk/product.html",
        product=ask("GET", f"/v1/products/{product_id}"),
        venues=named(venues()),
        told=told,
    )


@bp.post("/desk/products/<uuid:product_id>/stock")
@page_for("staff")
def set_stock(product_id: UUID) -> Answer:
    body = given(request.form, numbers=("stock",))
    return do(
        "PUT",
        f"/v1/products/{product_id}/stock",
        body,
        then=url_for(HERE),
        done="stock-set",
        show=lambda told: show_product(product_id, told),
    )


@bp.post("/desk/products/<uuid:product_id>/terms")
@page_for("staff")
def set_terms(product_id: UUID) -> Answer:
    body = given(request.form, numbers=("valid_days",)) | _terms()
    return do(
        "PUT",
        f"/v1/products/{product_id}/terms",
        body,
        then=url_for(HERE),
        done="terms-set",
        show=lambda told: show_product(product_id, told),
    )


def _terms() -> dict[str, Any]:
    """What was agreed with the venue. An empty field means: no such limit."""
    form = request.form
    days = form.get("blackout_days", "").replace(",", " ").replace("，", " ").split()
    found: dict[str, Any] = given(form, "offered_from", "offered_until", numbers=("daily_quota",))
    if form.get("cost", "").strip():
        found["cost_fen"] = fen(form["cost"].strip())
    return {
        "daily_quota": None,
        "offered_from": None,
        "offered_until": None,
        "blackout_days": days,
    } | found
