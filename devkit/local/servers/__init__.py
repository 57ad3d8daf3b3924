"""Private PostgreSQL, RabbitMQ and Valkey: on loopback and free ports, all files in one folder."""

from devkit.local.servers.base import Server, ServerFailed
from devkit.local.servers.postgres import PostgresServer
from devkit.local.servers.rabbitmq import RabbitServer
from devkit.local.servers.valkey import ValkeyServer

__all__ = ["PostgresServer", "RabbitServer", "Server", "ServerFailed", "ValkeyServer"]
