"""Export the contracts of events for readers outside this code."""

import json
from pathlib import Path

from shared.contracts.base import catalogue

DOCS = Path(__file__).parent.parent / "docs" / "events"


def export_contracts() -> int:
    """Write the JSON Schemas of contracts that changed to `docs/events/`; returns how many.

    A test holds that contracts only grow.
    """
    DOCS.mkdir(parents=True, exist_ok=True)
    changed = 0
    for (type_, version), contract in catalogue().items():
        schema = contract.model_json_schema(mode="serialization")
        text = json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True)
        path = DOCS / f"{contract.source}.{type_}.v{version}.json"
        if not path.exists() or path.read_text() != text + "\n":
            path.write_text(text + "\n")
            changed += 1
    return changed
