"""How events come in: buses, spans and files become arguments; the door checks, bares and names; the recorder appends.

What an application uses of it is here; what needs an extra is in `ingest.nats` and `ingest.otel`.
"""

from typing import TYPE_CHECKING

from analytics_es.process import face

if TYPE_CHECKING:
    from analytics_es.ingest.buffer import Buffer, WhenFull
    from analytics_es.ingest.bus import BatchBus, BatchHandler, Handler, Message, MessageBus
    from analytics_es.ingest.importing import Importer
    from analytics_es.ingest.in_process import InProcessBus
    from analytics_es.ingest.privacy import PrivacyPolicy
    from analytics_es.ingest.subscription import Subscription, SubscriptionStats
    from analytics_es.ingest.timed import Timed, TimedCall

__all__ = [
    "BatchBus",
    "BatchHandler",
    "Buffer",
    "Handler",
    "Importer",
    "InProcessBus",
    "Message",
    "MessageBus",
    "PrivacyPolicy",
    "Subscription",
    "SubscriptionStats",
    "Timed",
    "TimedCall",
    "WhenFull",
]

_HOMES = {
    "buffer": ["Buffer", "WhenFull"],
    "bus": ["BatchBus", "BatchHandler", "Handler", "Message", "MessageBus"],
    "importing": ["Importer"],
    "in_process": ["InProcessBus"],
    "privacy": ["PrivacyPolicy"],
    "subscription": ["Subscription", "SubscriptionStats"],
    "timed": ["Timed", "TimedCall"],
}

if not TYPE_CHECKING:
    __getattr__ = face(__name__, _HOMES)
