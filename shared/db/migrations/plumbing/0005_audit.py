"""The audits across services: their runs, and the differences that they found."""

import sqlalchemy as sa
from alembic import op

revision = "plumbing_0005"
down_revision = "plumbing_0004"


def upgrade() -> None:
    create_runs()
    create_differences()


def create_runs() -> None:
    op.create_table(
        "audit_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("app_now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compared", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("found", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("in_flight", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_runs")),
    )
    op.create_index(
        "ix_audit_runs_requested",
        "audit_runs",
        ["id"],
        postgresql_where=sa.text("started_at IS NULL"),
    )


def create_differences() -> None:
    op.create_table(
        "audit_differences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("here", sa.Text(), nullable=False),
        sa.Column("there", sa.Text(), nullable=False),
        sa.Column("first_found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_differences")),
        sa.UniqueConstraint(
            "kind", "subject_id", name=op.f("uq_audit_differences_kind_subject_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["audit_runs.id"], name=op.f("fk_audit_differences_run_id_audit_runs")
        ),
    )
    for name, columns in (("open", ["id"]), ("open_kind", ["kind", "id"])):
        op.create_index(
            f"ix_audit_differences_{name}",
            "audit_differences",
            columns,
            postgresql_where=sa.text("resolved_at IS NULL"),
        )
    op.create_index(op.f("ix_audit_differences_run_id"), "audit_differences", ["run_id"])
