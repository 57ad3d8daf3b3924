"""What makes a process of a service: its app, the bus, catch-up, migrations and probes."""
