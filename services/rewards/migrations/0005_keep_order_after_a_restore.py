"""Keep the order of transfers after a restore into another cluster, which counts from its start.

The `txid` of a transfer is its transaction's id plus `journal_epoch()`, which is 0 until a restore.
`after_restore()` lifts the epoch above everything that was written before.
"""

from alembic import op

revision = "rewards_0005"
down_revision = "rewards_0004"


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION journal_epoch() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 0::bigint'"
    )
    op.execute(
        "CREATE FUNCTION journal_txid(id xid8) RETURNS xid8 LANGUAGE sql STABLE"
        " AS 'SELECT (id::text::bigint + journal_epoch())::text::xid8'".replace(":", r"\:")
    )
    op.execute("ALTER TABLE transfers ALTER txid SET DEFAULT journal_txid(pg_current_xact_id())")
    op.execute(_AFTER_RESTORE)


# No transaction of this cluster has written a txid at or above the snapshot's xmax: such rows came
# from another cluster.
_AFTER_RESTORE = """
CREATE FUNCTION after_restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    free bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    last bigint := greatest(
        (SELECT txid::text::bigint FROM transfers ORDER BY txid DESC LIMIT 1),
        (SELECT last_txid::text::bigint FROM seals ORDER BY number DESC LIMIT 1)
    );
BEGIN
    IF last >= free + journal_epoch() THEN
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION journal_epoch() RETURNS bigint LANGUAGE sql STABLE AS %L',
            format('SELECT %s::bigint', last - free + 1)
        );
    END IF;
END $$
"""
