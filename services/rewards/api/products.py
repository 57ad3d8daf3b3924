"""`/v1/products`: what points can become, and how many are left."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, StrictInt
from sqlalchemy import select

from services.rewards import issuing, products
from services.rewards.models import Product, Stock
from shared.auth import Role, allow
from shared.db import transaction
from shared.fields import Body, Count, Quantity, Shown, Title
from shared.paging import PageQuery, page_of

bp = APIBlueprint("products", __name__, url_prefix="/v1")


class ProductBody(Body):
    venue_id: UUID
    title: Title
    points: Count
    stock: Quantity
    valid_days: Annotated[StrictInt, Field(ge=1, le=3660)]


class StockBody(Body):
    stock: Quantity


class ProductShown(Shown):
    id: UUID
    venue_id: UUID
    title: str
    points: int
    stock: int
    valid_days: int
    created_at: datetime


class ProductsShown(BaseModel):
    items: list[ProductShown]
    next: str | None


@bp.post("/products")
@bp.input(ProductBody)
@bp.output(ProductShown, status_code=201)
@bp.doc(summary="Offer something at a venue for points")
@allow(Role.STAFF)
def post_product(json_data: ProductBody) -> Any:
    with transaction() as session:
        product = products.create_product(session, **json_data.model_dump())
        session.refresh(product)
        return _shown(product, json_data.stock)


@bp.get("/products")
@bp.input(PageQuery, location="query")
@bp.output(ProductsShown)
@bp.doc(summary="All products, newest first")
@allow(public=True)
def get_products(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(session, select(Product), Product.id, query_data)
        ids = [product.id for product in items]
        stocks = session.execute(select(Stock.product_id, Stock.left).where(Stock.product_id.in_(ids)))
        left = {row.product_id: row.left for row in stocks}
        return {"items": [_shown(product, left[product.id]) for product in items], "next": following}


@bp.put("/products/<uuid:product_id>/stock")
@bp.input(StockBody)
@bp.output(ProductShown)
@bp.doc(summary="Say how many may be given out from now on; those who wait are served first")
@allow(Role.STAFF)
def put_stock(product_id: UUID, json_data: StockBody) -> Any:
    with transaction() as session:
        products.set_stock(session, product_id, json_data.stock)
    with transaction() as session:  # its own: everywhere else accounts are locked before stock
        issuing.issue_waiting(session, product_id)
    with transaction() as session:
        product = session.get_one(Product, product_id)
        return _shown(product, session.get_one(Stock, product_id).left)


def _shown(product: Product, left: int) -> ProductShown:
    return ProductShown(id=product.id, venue_id=product.venue_id, title=product.title, points=product.points,
                        stock=left, valid_days=product.valid_days, created_at=product.created_at)  # fmt: skip
