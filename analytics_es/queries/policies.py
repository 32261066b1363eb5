"""Which policies of privacy events were recorded under, and what an answer can say nothing of because of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from attrs import frozen

from analytics_es.events.event import EARLIEST
from analytics_es.events.fields import ENTITIES, FIELDS, TAG, named_by
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.in_force import AGAIN_SECONDS, CONFIGURED
from analytics_es.ingest.privacy import DROP, DROP_TEXT
from analytics_es.log import EventLog, announced
from analytics_es.queries.as_of import recorded_at

AGAIN = timedelta(seconds=2 * AGAIN_SECONDS)


class InForce(NamedTuple):
    """A policy, and from where on in the log it was in force, and since when."""

    position: int
    since: datetime
    policy: PrivacyPolicy


@frozen
class Policies:
    """The policies that a log tells of, in order. Before the first, everything was stored."""

    in_force: tuple[InForce, ...] = ()

    def not_stored(self, words: Iterable[str], since: datetime, upto: int) -> tuple[str, ...]:
        """Return the words whose fields were not stored of some of the events since a time, up to a position.

        An event is recorded when it occurs, or later: a policy that ended before that time does not count. It ends a
        while after the next one is told: a process that goes on by its own tells of it again by then.
        """
        until = [policy for policy in self.in_force if policy.position <= upto]
        ended = sum(later.since < since - AGAIN for _, later in pairwise(until))
        return tuple(sorted({word for word in words if any(_drops(one.policy, word) for one in until[ended:])}))


class PolicyLog:
    """What a log says of policies, read on from where it was read last; safe to use from several threads."""

    def __init__(self, log: EventLog) -> None:
        self._log, self._lock = log, threading.Lock()
        self._policies, self._read = Policies(), 0

    def __call__(self) -> Policies:
        """Return the policies of now."""
        with self._lock:
            more = announced(self._log, CONFIGURED, PrivacyPolicy.read, after=self._read)
            if more.said:
                added = [InForce(at, recorded_at(self._log, at) or EARLIEST, policy) for at, policy in more.said]
                self._policies, self._read = Policies((*self._policies.in_force, *added)), added[-1].position
            return self._policies


def _drops(policy: PrivacyPolicy, word: str) -> bool:
    """Say whether a policy drops the field that a word of a question is about; a word of no field is never dropped."""
    if word not in ENTITIES and word not in FIELDS and not word.startswith(TAG):
        return False
    path = named_by(word) if word in ENTITIES or word.startswith(TAG) else (word,)
    return policy.action(".".join(path)) in (DROP, DROP_TEXT)
