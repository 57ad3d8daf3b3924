"""What every API shares: field types, pages, size limits, idempotency keys, problem documents."""
