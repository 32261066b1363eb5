"""NATS JetStream as a message bus (extra `nats`): durable consumers, acknowledged once what they got is in the log."""

from analytics_es.errors import MissingExtra

try:
    from analytics_es.ingest.nats.bus import NatsBus
    from analytics_es.ingest.nats.consumer import NatsConsumer
except ModuleNotFoundError as error:
    if str(error.name).startswith("analytics_es"):
        raise
    raise MissingExtra(package=error.name, extra="nats") from None

__all__ = ["NatsBus", "NatsConsumer"]
