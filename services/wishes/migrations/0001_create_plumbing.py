"""Outbox, inbox, attempts, dead letters, keys, cursors, job runs."""

from shared.service.migrate import create_plumbing

revision = "wishes_0001"
down_revision = None


def upgrade() -> None:
    create_plumbing()
