"""notify: tell people and other systems what happened.

Owns alerts (the in-app inbox), preferences, templates, one-time messages, and webhook subscriptions
with their deliveries. Publishes `subscription.disabled`. Handles the events of all services: the
table in `audiences` says which become alerts; other systems subscribe to them in `webhooks`.
"""
