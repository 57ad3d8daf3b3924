"""Operations for migrations that Alembic does not have."""

from alembic import op


def append_only(table: str) -> None:
    """Revoke UPDATE, DELETE and TRUNCATE on a table from the application role."""
    role = op.get_bind().dialect.identifier_preparer.quote(_application_role())
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")


def _application_role() -> str:
    config = op.get_context().config
    if config is None:
        raise RuntimeError("only inside `wishtree migrate`")
    return str(config.attributes["role"])
