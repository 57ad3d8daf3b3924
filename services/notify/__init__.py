"""notify: everybody hears at once.

Owns alerts (the in-app inbox), preferences, templates, webhook subscriptions with their deliveries,
one-time messages. Says `subscription.disabled` (and `alert.failed`, once a channel exists that can
fail). Hears every fact: most become alerts by the table in `audiences`, all of them may be
subscribed to by other systems.
"""
