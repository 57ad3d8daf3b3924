"""Events between services: envelope, outbox, inbox, attempts and dead letters."""
