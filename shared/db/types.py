"""How Python types are stored and constraints are named: the same in every service."""

from datetime import date, datetime
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, MetaData
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import BigInteger, Date, Text, UserDefinedType, Uuid

from shared.core.json import JsonObject

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Conventions:
    """Base of every service's `Base`: how Python types are stored."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: BigInteger(),
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        date: Date(),
        JsonObject: JSONB(),
        list[str]: JSONB(),
        Enum: EnumColumn(
            Enum,
            native_enum=False,
            create_constraint=False,
            length=40,
            values_callable=lambda e: [m.value for m in e],
        ),
    }


def conventional_metadata() -> MetaData:
    """Metadata in which constraints are named by convention."""
    return MetaData(naming_convention=NAMES)


class Plumbing(Conventions, DeclarativeBase):
    """Base of the tables that every service has in its own schema, such as the outbox."""

    metadata = conventional_metadata()
