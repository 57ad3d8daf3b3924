"""Products and their stock: what points can become, for how long, and how many are left."""

from uuid import UUID

from flask import Blueprint, render_template, request, url_for

from gateway.access import page_for
from gateway.client import ApiRequest, ask_all, get, post, put
from gateway.forms import Answer, FormFields, fen_from_yuan, field_text, filled_in, submit
from gateway.queries import PRODUCTS, VENUE_NAMES, VENUES, names_by_id
from gateway.refusals import Refusal

bp = Blueprint("desk_products", __name__)

HERE = "desk_products.show_products"


@bp.get("/desk/products")
@page_for("staff")
def show_products(refusal: Refusal | None = None) -> str:
    products, venues = ask_all(PRODUCTS, VENUES)
    return render_template(
        "desk/products.html",
        products=products["items"],
        venues=names_by_id(venues),
        form=request.form,
        refusal=refusal,
    )


@bp.post("/desk/products")
@page_for("staff")
def add_product() -> Answer:
    body = filled_in("venue_id", "title", numbers=("points", "stock", "valid_days"))
    body |= {name: value for name, value in _terms().items() if value not in (None, [])}
    wanted = post("/v1/products", body)
    return submit(wanted, then=url_for(HERE), done="product-added", show=show_products)


@bp.get("/desk/products/<uuid:product_id>")
@page_for("staff")
def show_product(product_id: UUID, refusal: Refusal | None = None) -> str:
    product, venues = ask_all(get(f"/v1/products/{product_id}"), VENUE_NAMES)
    return render_template(
        "desk/product.html", product=product, venues=names_by_id(venues), refusal=refusal
    )


@bp.post("/desk/products/<uuid:product_id>/stock")
@page_for("staff")
def set_stock(product_id: UUID) -> Answer:
    body = filled_in(numbers=("stock",))
    return _change(product_id, put(f"/v1/products/{product_id}/stock", body), "stock-set")


@bp.post("/desk/products/<uuid:product_id>/terms")
@page_for("staff")
def set_terms(product_id: UUID) -> Answer:
    body = filled_in(numbers=("valid_days",)) | _terms()
    return _change(product_id, put(f"/v1/products/{product_id}/terms", body), "terms-set")


def _change(product_id: UUID, wanted: ApiRequest, done: str) -> Answer:
    return submit(
        wanted,
        then=url_for(HERE),
        done=done,
        show=lambda refusal: show_product(product_id, refusal),
    )


def _terms() -> FormFields:
    """The terms agreed with the venue. An empty field means no such limit."""
    terms: FormFields = {"daily_quota": None, "offered_from": None, "offered_until": None}
    terms |= filled_in("offered_from", "offered_until", numbers=("daily_quota",))
    terms["blackout_days"] = _blackout_days()
    if field_text("cost"):
        terms["cost_fen"] = fen_from_yuan(field_text("cost"))
    return terms


def _blackout_days() -> list[str]:
    """The days as typed, between blanks or commas of either language."""
    return field_text("blackout_days").replace(",", " ").replace("，", " ").split()
