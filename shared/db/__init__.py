"""PostgreSQL: engines and transactions, column types, bulk inserts, contention."""
