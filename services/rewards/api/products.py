"""`/v1/products`: what vouchers are issued for, and how many are left."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, StrictInt
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.rewards.catalogue import products
from services.rewards.catalogue.products import Terms
from services.rewards.issuing import issue
from services.rewards.models import Product, Stock
from shared.auth.access import allow, caller_if_any
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import Count, Day, Quantity, RequestModel, ResponseModel, Title

bp = APIBlueprint("products", __name__, url_prefix="/v1")

MOST_BLACKOUT_DAYS = 400


class TermsRequest(RequestModel):
    valid_days: Annotated[StrictInt, Field(ge=1, le=3660)]
    cost_fen: Annotated[
        StrictInt, Field(ge=0, le=10_000_000, description="Owed to the venue for each redemption.")
    ] = 0
    daily_quota: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)] | None = Field(
        default=None, description="The most that is issued per day at the site."
    )
    offered_from: Day | None = Field(
        default=None, description="First day at the site on which it is issued."
    )
    offered_until: Day | None = Field(
        default=None, description="Last day at the site on which it is issued."
    )
    blackout_days: list[Day] = Field(
        default=[],
        max_length=MOST_BLACKOUT_DAYS,
        description="Days on which the counter does not accept it.",
    )

    def terms(self) -> Terms:
        return Terms(
            self.valid_days,
            self.cost_fen,
            self.daily_quota,
            self.offered_from,
            self.offered_until,
            self.blackout_days,
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
    cost_fen: int | None = Field(default=None, description="For staff and auditors only.")
    created_at: datetime


@bp.post("/products")
@bp.input(ProductRequest)
@bp.output(ProductResponse, status_code=201)
@bp.doc(summary="Offer something at a venue for points")
@allow(Role.STAFF)
def post_product(json_data: ProductRequest) -> Any:
    with transaction() as session:
        product = products.create_product(
            session,
            json_data.venue_id,
            json_data.title,
            json_data.points,
            json_data.stock,
            json_data.terms(),
        )
        session.refresh(product)
        return _shown(product, json_data.stock)


@bp.get("/products")
@bp.input(PageQuery, location="query")
@bp.output(Page[ProductResponse])
@bp.doc(summary="List products, newest first")
@allow(public=True)
def get_products(query_data: PageQuery) -> Any:
    with transaction() as session:
        items, following = page_of(session, select(Product), Product.id, query_data)
        left = _left_of(session, items)
        shown = [_shown(product, left[product.id]) for product in items]
        return {"items": shown, "next": following}


def _left_of(session: Session, items: Sequence[Product]) -> dict[UUID, int]:
    ids = [product.id for product in items]
    stocks = session.execute(select(Stock.product_id, Stock.left).where(Stock.product_id.in_(ids)))
    return {row.product_id: row.left for row in stocks}


@bp.get("/products/<uuid:product_id>")
@bp.output(ProductResponse)
@bp.doc(summary="Show a product")
@allow(public=True)
def get_product(product_id: UUID) -> Any:
    with transaction() as session:
        return _shown(*products.get_product(session, product_id))


@bp.put("/products/<uuid:product_id>/terms")
@bp.input(TermsRequest)
@bp.output(ProductResponse)
@bp.doc(
    summary="Offer a product on other terms from now on",
    description="Terms that are left out return to their defaults.",
)
@allow(Role.STAFF)
def put_terms(product_id: UUID, json_data: TermsRequest) -> Any:
    with transaction() as session:
        products.set_terms(session, product_id, json_data.terms())
        return _shown(*products.get_product(session, product_id))


@bp.put("/products/<uuid:product_id>/stock")
@bp.input(StockRequest)
@bp.output(ProductResponse)
@bp.doc(
    summary="Set how many may be issued from now on",
    description="Backorders are served first.",
)
@allow(Role.STAFF)
def put_stock(product_id: UUID, json_data: StockRequest) -> Any:
    with transaction() as session:
        products.set_stock(session, product_id, json_data.stock)
    # In a transaction of its own: everywhere else accounts are locked before stock.
    with transaction() as session:
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
