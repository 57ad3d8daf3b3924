"""Log-ins of people, tokens of systems, and the keys that check both."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import Field

from services.registration import clients, log_in, staff
from services.registration.identifiers import normal_phone
from shared.auth.access import allow, settings
from shared.auth.principal import Role
from shared.auth.tokens import TOKEN_SECONDS, public_keys, sign_token
from shared.core.problems import NotFound, Unauthorized
from shared.db.engine import transaction
from shared.http.idempotency import exempt_from_idempotency_keys
from shared.http.schemas import Name, RequestModel, ResponseModel

# Log-ins take no idempotency key: a stored answer would be a stored token.
bp = APIBlueprint("auth", __name__, tag="Log-ins")


class WrongProof(Unauthorized):
    """This log-in does not work: wrong, expired, used, or tried too often."""


class NoMailbox(NotFound):
    """Only an embedded installation has a mailbox to look into."""


class StaffLogInRequest(RequestModel):
    login: Name
    password: str = Field(min_length=1, max_length=200)


class PhoneRequest(RequestModel):
    phone: str = Field(min_length=5, max_length=30)


class CodeLogInRequest(PhoneRequest):
    code: str = Field(pattern=r"^[0-9]{6}$")
    organisation_id: UUID | None = Field(default=None, description="Log in as its coordinator.")


class RefreshRequest(RequestModel):
    refresh_token: str = Field(min_length=1, max_length=200)
    organisation_id: UUID | None = Field(default=None, description="Continue as its coordinator.")


class SignOutRequest(RequestModel):
    refresh_token: str = Field(min_length=1, max_length=200)


class LogInResponse(ResponseModel):
    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int = TOKEN_SECONDS
    role: str
    person_id: UUID
    organisation_id: UUID | None
    coordinates: list[UUID]


class CodeSentResponse(ResponseModel):
    expires_in: int


class MessageResponse(ResponseModel):
    to: str
    text: str


class MailboxResponse(ResponseModel):
    items: list[MessageResponse]


class ClientRequest(RequestModel):
    name: Name
    scopes: list[str] = Field(min_length=1, max_length=50)


class NewClientResponse(ResponseModel):
    client_id: str
    client_secret: str


class ClientResponse(ResponseModel):
    client_id: str
    name: str
    scopes: list[str]


class ClientListResponse(ResponseModel):
    items: list[ClientResponse]


class StaffRequest(RequestModel):
    login: Name
    password: str = Field(min_length=12, max_length=200)


class NewStaffResponse(ResponseModel):
    id: UUID
    login: str


def _or_refused(found: log_in.LogIn | None) -> log_in.LogIn:
    # Outside the transaction: the counted try has to be committed.
    if found is None:
        raise WrongProof("The reason is not disclosed.")
    return found


@bp.post("/v1/auth/staff")
@bp.input(StaffLogInRequest)
@bp.output(LogInResponse)
@bp.doc(
    summary="Log in as staff",
    description="After five wrong tries the log-in is locked for 15 minutes.",
)
@allow(public=True)
@exempt_from_idempotency_keys
def post_staff_log_in(json_data: StaffLogInRequest) -> log_in.LogIn:
    with transaction() as session:
        found = log_in.log_in_staff(session, json_data.login, json_data.password)
    return _or_refused(found)


@bp.post("/v1/auth/codes")
@bp.input(PhoneRequest)
@bp.output(CodeSentResponse, status_code=202)
@bp.doc(
    summary="Request a one-time code",
    description="The response is the same whether the phone is known or not.",
)
@allow(public=True)
@exempt_from_idempotency_keys
def post_code(json_data: PhoneRequest) -> CodeSentResponse:
    phone = normal_phone(json_data.phone)
    with transaction() as session:
        log_in.send_code(session, phone)
    return CodeSentResponse(expires_in=int(log_in.CODE_FOR.total_seconds()))


@bp.post("/v1/auth/phone")
@bp.input(CodeLogInRequest)
@bp.output(LogInResponse)
@bp.doc(
    summary="Log in with a one-time code",
    description="Add `organisation_id` to log in as its coordinator.",
)
@allow(public=True)
@exempt_from_idempotency_keys
def post_phone_log_in(json_data: CodeLogInRequest) -> log_in.LogIn:
    phone = normal_phone(json_data.phone)
    with transaction() as session:
        found = log_in.log_in_by_code(session, phone, json_data.code, json_data.organisation_id)
    return _or_refused(found)


@bp.post("/v1/auth/refresh")
@bp.input(RefreshRequest)
@bp.output(LogInResponse)
@bp.doc(
    summary="Exchange a refresh token for new tokens",
    description="A token used twice ends the log-in.",
)
@allow(public=True)
@exempt_from_idempotency_keys
def post_refresh(json_data: RefreshRequest) -> log_in.LogIn:
    with transaction() as session:
        found = log_in.refresh(session, json_data.refresh_token, json_data.organisation_id)
    return _or_refused(found)


@bp.post("/v1/auth/sign-out")
@bp.input(SignOutRequest)
@bp.output({}, status_code=204)
@bp.doc(summary="End a log-in")
@allow(public=True)
@exempt_from_idempotency_keys
def post_sign_out(json_data: SignOutRequest) -> tuple[str, int]:
    with transaction() as session:
        log_in.sign_out(session, json_data.refresh_token)
    return "", 204


@bp.get("/v1/auth/dev-mailbox")
@bp.output(MailboxResponse)
@bp.doc(summary="List messages that would have been sent (embedded mode only)")
@allow(public=True)
def get_dev_mailbox() -> dict[str, object]:
    if not settings().embedded:
        raise NoMailbox("Messages go to phones here.")
    with transaction() as session:
        return {"items": log_in.waiting_messages(session)}


class OAuthError(Exception):
    """An error as RFC 6749 section 5.2 names it."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


_OAUTH_RESPONSE = {
    "description": "A token, or an error (RFC 6749 sections 5.1 and 5.2)",
    "content": {"application/json": {"schema": {"type": "object"}}},
}


@bp.post("/v1/oauth/token")
@bp.doc(
    summary="Get a token for a system (RFC 6749, client credentials)",
    description="Send the form `grant_type=client_credentials`, and client id and secret by HTTP "
    "Basic or in the form.",
    responses=dict.fromkeys((200, 400, 401), _OAUTH_RESPONSE),
)
@allow(public=True)
@exempt_from_idempotency_keys
def post_token() -> Response:
    client_id, secret = _credentials()
    try:
        _check_grant_type()
        scopes = _granted_scopes(client_id, secret)
    except OAuthError as error:
        return _oauth_error(error)
    return _oauth_response(
        {
            "access_token": sign_token(
                settings(), role=Role.SYSTEM, subject=client_id, scopes=scopes
            ),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": " ".join(sorted(scopes)),
        }
    )


def _check_grant_type() -> None:
    grant_type = request.form.get("grant_type")
    if grant_type is None:
        raise OAuthError("invalid_request")
    if grant_type != "client_credentials":
        raise OAuthError("unsupported_grant_type")


def _granted_scopes(client_id: str, secret: str) -> frozenset[str]:
    """Return the scopes asked for, or all of the client's. Raises OAuthError."""
    # PostgreSQL takes no NUL in a text.
    if not client_id or "\x00" in client_id:
        raise OAuthError("invalid_client", 401)
    with transaction() as session:
        granted = clients.scopes_of(session, client_id, secret)
    if granted is None:
        raise OAuthError("invalid_client", 401)
    requested = frozenset(request.form.get("scope", "").split())
    if not requested <= granted:
        raise OAuthError("invalid_scope")
    return requested or granted


def _credentials() -> tuple[str, str]:
    """Read id and secret from HTTP Basic (RFC 6749 §2.3.1: both form-encoded) or from the form."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id", ""), request.form.get("client_secret", "")
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    client_id, _, secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _oauth_error(error: OAuthError) -> Response:
    """Render what OAuth clients understand, instead of a problem document."""
    response = _oauth_response({"error": error.code})
    response.status_code = error.status
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="wishtree"'
    return response


def _oauth_response(body: Mapping[str, object]) -> Response:
    response = jsonify(body)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/.well-known/jwks.json")
@bp.doc(summary="Show the public keys that check our tokens")
@allow(public=True)
def get_jwks() -> Response:
    response = jsonify(public_keys(settings()))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@bp.post("/v1/clients")
@bp.input(ClientRequest)
@bp.output(NewClientResponse, status_code=201)
@bp.doc(summary="Register a system; its secret is shown only now")
@allow(Role.STAFF)
def post_client(json_data: ClientRequest) -> clients.NewClient:
    with transaction() as session:
        return clients.create_client(session, json_data.name, json_data.scopes)


@bp.get("/v1/clients")
@bp.output(ClientListResponse)
@bp.doc(summary="List systems, without secrets")
@allow(Role.STAFF)
def get_clients() -> dict[str, object]:
    with transaction() as session:
        return {"items": clients.known_clients(session)}


@bp.post("/v1/staff")
@bp.input(StaffRequest)
@bp.output(NewStaffResponse, status_code=201)
@bp.doc(summary="Create a staff log-in")
@allow(Role.STAFF)
def post_staff(json_data: StaffRequest) -> staff.NewStaff:
    with transaction() as session:
        return staff.create_staff(session, json_data.login, json_data.password)
