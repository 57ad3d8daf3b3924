"""What a backup holds: `manifest.json`, written last, and how its files are checked."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import click
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from shared import SERVICES

MANIFEST = "manifest.json"
BLOCK = 1 << 20


class TableBackup(BaseModel):
    """One table: `<schema>/<table>.copy.gz`, in the text format of COPY."""

    model_config = ConfigDict(frozen=True)

    name: str
    columns: list[str]
    rows: int
    sha256: str  #: of the file as it is on the disk


class SchemaBackup(BaseModel):
    """The tables of one service."""

    model_config = ConfigDict(frozen=True)

    service: str
    plumbing_revision: str
    revision: str  #: of the service's own history
    tables: list[TableBackup]
    sequences: dict[str, int | None]  #: the last value of each; None: never used


class Manifest(BaseModel):
    """The whole backup. Nothing in it is secret; the tables hold personal data."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    made_at: datetime
    product_version: str
    postgres_version: str
    epoch: UUID
    data_key: str  #: a fingerprint of the key that encrypted columns need, not the key
    schemas: list[SchemaBackup]

    @field_validator("schemas")
    @classmethod
    def _each_service_once(cls, schemas: list[SchemaBackup]) -> list[SchemaBackup]:
        if sorted(schema.service for schema in schemas) != sorted(SERVICES):
            raise ValueError(f"each of {', '.join(SERVICES)} is expected once")
        return schemas

    @property
    def rows(self) -> int:
        return sum(table.rows for schema in self.schemas for table in schema.tables)


def table_file(folder: Path, service: str, table: str) -> Path:
    return folder / service / f"{table}.copy.gz"


def read_manifest(folder: Path) -> Manifest:
    """Raises ClickException if there is none, or if it is of a newer version."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise click.ClickException(
            f"{folder} is no backup: {MANIFEST} cannot be read ({error.strerror})."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise click.ClickException(
                f"The backup is damaged, and nothing was changed: {folder / MANIFEST} is cut off or"
                " no JSON."
            ) from None
        where = ".".join(map(str, first["loc"]))
        raise click.ClickException(
            f"This version cannot read {folder / MANIFEST} ({where}: {first['msg']})."
        ) from None


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its checksum. Raises ClickException with all that are wrong."""
    wrong = [
        str(file.relative_to(folder))
        for schema in manifest.schemas
        for table in schema.tables
        if sha256_of(file := table_file(folder, schema.service, table.name)) != table.sha256
    ]
    if wrong:
        raise click.ClickException(
            f"The backup is damaged, and nothing was changed: {', '.join(wrong)} is missing or"
            " differs from its checksum."
        )


def sha256_of(file: Path) -> str | None:
    """The checksum of a file; None if it cannot be read."""
    found = hashlib.sha256()
    try:
        for block in blocks_of(file):
            found.update(block)
    except OSError:
        return None
    return found.hexdigest()


def blocks_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            yield block
