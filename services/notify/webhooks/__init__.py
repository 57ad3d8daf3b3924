"""Webhooks: how other systems learn of events. People are reached through `channels/`."""
