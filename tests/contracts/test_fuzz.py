"""Any input gets a clear response: schemathesis tries every operation of the OpenAPI documents.

No 5xx, no schema violation, no undocumented content type. More examples: WISHTREE_FUZZ_EXAMPLES.
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from devkit.testkit import District
from shared import SERVICES

EXAMPLES = settings(
    max_examples=int(os.environ.get("WISHTREE_FUZZ_EXAMPLES", "6")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
SCOPES = "records:write records:verified events:read events:* contacts:read messages:send"
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.mark.check("S1")
@pytest.mark.parametrize("service", SERVICES)
def test_the_document_is_valid_openapi(district: District, service: str) -> None:
    validate(district.services[service].call("GET", f"/{service}/openapi.json").get_json())


@pytest.mark.check("S1")
@pytest.mark.parametrize("role", ["staff", "system", "anyone"])
@pytest.mark.parametrize("service", SERVICES)
def test_no_input_makes_a_service_fail(district: District, service: str, role: str) -> None:
    """Examples for every operation, as staff, as a system with all scopes, and as anyone."""
    schema = schemathesis.openapi.from_wsgi(
        f"/{service}/openapi.json", district.services[service].app
    )
    headers = {} if role == "anyone" else {"Authorization": f"Bearer {token(district, role)}"}
    operations = [result.ok() for result in schema.get_all_operations()]
    failures = [failure for one in operations if (failure := failure_of(one, headers))]
    assert not failures, "\n\n".join(failures)


def failure_of(operation: APIOperation, headers: dict[str, str]) -> str | None:
    """Call one operation with examples. A failure is returned, so that one run names them all."""

    @EXAMPLES
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    try:
        call()
    except (Exception, BaseExceptionGroup) as failure:
        return f"{operation.method.upper()} {operation.path}: {failure}"[:1500]
    return None


def token(district: District, role: str) -> str:
    if role == "system":
        return district.token("system", "fuzz", scopes=SCOPES)
    return district.token(role)
