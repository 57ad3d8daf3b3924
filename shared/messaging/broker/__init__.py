"""The only code that talks to the broker: topology, connections, relay and consumer."""
