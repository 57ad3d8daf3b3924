"""`/v1/products`: what points can become, and how many are left."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field, StrictInt
from sqlalchemy import select

from services.rewards.catalogue import products
from services.rewards.catalogue.products import Terms
from services.rewards.issuing import issue
from services.rewards.models import Product, Stock
from shared.auth.access import allow, caller_if_any
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import PageQuery, page_of
from shared.http.schemas import Count, Day, Quantity, RequestModel, ResponseModel, Title

bp = APIBlueprint("products", __name__, url_prefix="/v1")

MOST_BLACKOUT_DAYS = 400


class TermsRequest(RequestModel):
    valid_days: Annotated[StrictInt, Field(ge=1, le=3660)]
    cost_fen: Annotated[
        StrictInt, Field(ge=0, le=100_000_000, description="owed to the venue per redemption")
    ] = 0
    daily_quota: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)] | None = Field(
        default=None, description="issued per day at the site, at most"
    )
    offered_from: Day | None = Field(
        default=None, description="first day on which it is issued, at the site"
    )
    offered_until: Day | None = Field(default=None, description="last day on which it is issued")
    blackout_days: list[Day] = Field(
        default=[],
        max_length=MOST_BLACKOUT_DAYS,
        description="days on which the counter does not take it",
    )


class ProductRequest(TermsRequest):
    venue_id: UUID
    title: Title
    points: Count
    stock: Quantity


class StockRequest(RequestModel):
    stock: Quantity


class ProductResponse(ResponseModel):
    id: UUID
    venue_id: UUID
    title: str
    points: int
    stock: int
    valid_days: int
    daily_quota: int | None
    offered_from: date | None
    offered_until: date | None
    blackout_days: list[date]
    cost_fen: int | None = Field(
        default=None, description="for staff and auditors; vouchers carry no price"
    )
    created_at: datetime


class ProductsResponse(BaseModel):
    items: list[ProductResponse]
    next: str | None


@bp.post("/products")
@bp.input(ProductRequest)
@bp.output(ProductResponse, status_code=201)
@bp.doc(summary="Offer something at a venue for points")
@allow(Role.STAFF)
def post_product(json_data: ProductRequest) -> Any:
    with transaction() as session:
        product = products.create_product(session, **json_data.model_dump())
        session.refresh(product)
        return _shown(product, json_data.stock)


@bp.get("/products")
@bp.input(PageQuery, location="query")
@bp.output(ProductsResponse)
@bp.doc(summary="All products, newest first")
@allow(public=True)
def get_products(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(session, select(Product), Product.id, query_data)
        ids = [product.id for product in items]
        stocks = session.execute(
            select(Stock.product_id, Stock.left).where(Stock.product_id.in_(ids))
        )
        left = {row.product_id: row.left for row in stocks}
        return {
            "items": [_shown(product, left[product.id]) for product in items],
            "next": following,
        }


@bp.get("/products/<uuid:product_id>")
@bp.output(ProductResponse)
@bp.doc(summary="One product")
@allow(public=True)
def get_product(product_id: UUID) -> Any:
    with transaction() as session:
        return _shown(*products.get_product(session, product_id))


@bp.put("/products/<uuid:product_id>/terms")
@bp.input(TermsRequest)
@bp.output(ProductResponse)
@bp.doc(summary="Offer it on other terms from now on; what is left out goes back to its default")
@allow(Role.STAFF)
def put_terms(product_id: UUID, json_data: TermsRequest) -> Any:
    with transaction() as session:
        products.set_terms(session, product_id, Terms(**json_data.model_dump()))
        return _shown(*products.get_product(session, product_id))


@bp.put("/products/<uuid:product_id>/stock")
@bp.input(StockRequest)
@bp.output(ProductResponse)
@bp.doc(summary="Say how many may be given out from now on; those who wait are served first")
@allow(Role.STAFF)
def put_stock(product_id: UUID, json_data: StockRequest) -> Any:
    with transaction() as session:
        products.set_stock(session, product_id, json_data.stock)
    with transaction() as session:  # its own: everywhere else accounts are locked before stock
        issue.issue_waiting(session, product_id)
    with transaction() as session:
        return _shown(*products.get_product(session, product_id))


def _shown(product: Product, left: int) -> ProductResponse:
    caller = caller_if_any()
    inside = caller is not None and caller.role in (Role.STAFF, Role.AUDITOR)
    return ProductResponse(
        id=product.id,
        venue_id=product.venue_id,
        title=product.title,
        points=product.points,
        stock=left,
        valid_days=product.valid_days,
        daily_quota=product.daily_quota,
        offered_from=product.offered_from,
        offered_until=product.offered_until,
        blackout_days=product.blackout_days,
        cost_fen=product.cost_fen if inside else None,
        created_at=product.created_at,
    )
