"""What an event is: its fields, its type, its identity, and the bytes it is stored as."""

from analytics_es.events.event import RecordedEvent

__all__ = ["RecordedEvent"]
