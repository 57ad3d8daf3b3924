"""The contracts of events, one file per service that publishes them, and their catalogue."""
