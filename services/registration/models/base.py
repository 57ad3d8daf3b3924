"""What all models of registration derive from."""

from sqlalchemy.orm import DeclarativeBase

from shared.db.types import Conventions, conventional_metadata


class Base(Conventions, DeclarativeBase):
    metadata = conventional_metadata()
