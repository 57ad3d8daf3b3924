"""The network of organisations."""

from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy import select

from services.registration import organisations
from services.registration.models import Organisation, OrganisationKind
from shared.auth.access import allow, caller
from shared.auth.principal import Role
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import RequestModel, ResponseModel, Title

bp = APIBlueprint("organisations", __name__, tag="Organisations")


class OrganisationRequest(RequestModel):
    name: Title
    kind: OrganisationKind
    parent_id: UUID | None = None


class OrganisationResponse(ResponseModel):
    id: UUID
    name: str
    kind: OrganisationKind
    parent_id: UUID | None


class OrganisationQuery(PageQuery):
    kind: OrganisationKind | None = None


class OrganisationTreeResponse(ResponseModel):
    items: list[OrganisationResponse]


@bp.post("/v1/organisations")
@bp.input(OrganisationRequest)
@bp.output(OrganisationResponse, status_code=201)
@bp.doc(summary="Attach an organisation to the network")
@allow(Role.STAFF)
def post_organisation(json_data: OrganisationRequest) -> Organisation:
    with transaction() as session:
        return organisations.register_organisation(
            session, json_data.name, json_data.kind, json_data.parent_id
        )


@bp.get("/v1/organisations")
@bp.input(OrganisationQuery, location="query")
@bp.output(Page[OrganisationResponse])
@bp.doc(summary="List organisations, newest first")
@allow(public=True)
def get_organisations(query_data: OrganisationQuery) -> dict[str, object]:
    with transaction() as session:
        statement = select(Organisation)
        if query_data.kind:
            statement = statement.where(Organisation.kind == query_data.kind)
        items, next_ = page_of(session, statement, Organisation.id, query_data)
        return {"items": items, "next": next_}


@bp.get("/v1/organisations/<uuid:organisation_id>")
@bp.output(OrganisationResponse)
@bp.doc(summary="Show an organisation")
@allow(public=True)
def get_organisation(organisation_id: UUID) -> Organisation:
    with transaction() as session:
        return organisations.get_organisation(session, organisation_id)


@bp.get("/v1/organisations/<uuid:organisation_id>/tree")
@bp.output(OrganisationTreeResponse)
@bp.doc(
    summary="Show an organisation and all below it",
    description="Parents before children, at most 1,000.",
)
@allow(public=True)
def get_tree(organisation_id: UUID) -> dict[str, object]:
    with transaction() as session:
        return {"items": organisations.subtree(session, organisation_id)}


@bp.put("/v1/organisations/<uuid:organisation_id>/coordinators/<uuid:volunteer_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="Let a volunteer coordinate an organisation and all below it")
@allow(Role.STAFF)
def put_coordinator(organisation_id: UUID, volunteer_id: UUID) -> tuple[str, int]:
    with transaction() as session:
        organisations.grant_coordination(
            session, organisation_id, volunteer_id, str(caller().subject)
        )
    return "", 204


@bp.delete("/v1/organisations/<uuid:organisation_id>/coordinators/<uuid:volunteer_id>")
@bp.output({}, status_code=204)
@bp.doc(summary="End a coordinator's role and void the tokens issued so far")
@allow(Role.STAFF)
def delete_coordinator(organisation_id: UUID, volunteer_id: UUID) -> tuple[str, int]:
    with transaction() as session:
        organisations.end_coordination(session, organisation_id, volunteer_id)
    return "", 204
