"""Any input gets a clear answer: schemathesis walks every operation of the four OpenAPI documents.

No 5xx, no schema violation, no undocumented content type. More examples: WISHTREE_FUZZ_EXAMPLES.
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from devkit.testkit import District
from shared import SERVICES

EXAMPLES = int(os.environ.get("WISHTREE_FUZZ_EXAMPLES", "6"))
WALK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_is_valid_openapi(district: District, service: str) -> None:
    validate(district.services[service].call("GET", f"/{service}/openapi.json").get_json())


@pytest.mark.parametrize("role", ["staff", "system", "anyone"])
@pytest.mark.parametrize("service", SERVICES)
def test_no_input_upsets_a_service(district: District, service: str, role: str) -> None:
    """One example after another through every operation, as staff, as a system with all scopes, and
    as anyone.
    """
    schema = schemathesis.openapi.from_wsgi(
        f"/{service}/openapi.json", district.services[service].app
    )
    headers = {} if role == "anyone" else {"Authorization": f"Bearer {token(district, role)}"}
    upset = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @WALK
        @given(case=operation.as_strategy())
        def walk(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        try:
            walk()
        except (
            Exception,
            BaseExceptionGroup,
        ) as failure:  # collected, so that one run names every operation that fails
            upset.append(f"{operation.method.upper()} {operation.path}: {failure}"[:1500])
    assert not upset, "\n\n".join(upset)


def token(district: District, role: str) -> str:
    if role == "system":
        return district.token(
            "system",
            "fuzz",
            scopes="records:write records:verified events:read events:* "
            "contacts:read messages:send",
        )
    return district.token(role)
