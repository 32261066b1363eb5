"""How events come in: buses, spans and files become arguments; the door checks, bares and names; the recorder appends.

What an application uses of it is here, with `ingest.nats` and `ingest.otel` for what an extra brings.
"""

from analytics_es.ingest.buffer import Buffer
from analytics_es.ingest.bus import BatchBus, Message, MessageBus
from analytics_es.ingest.in_process import InProcessBus
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.ingest.subscription import Subscription

__all__ = ["BatchBus", "Buffer", "InProcessBus", "Message", "MessageBus", "PrivacyPolicy", "Subscription"]
