"""Which policies of privacy events were recorded under, and what an answer can say nothing of because of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from attrs import frozen

from analytics_es.events.event import EARLIEST
from analytics_es.events.fields import ENTITIES, FIELDS, TAG, named_by
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.privacy import DROP, DROP_TEXT, SHAPES
from analytics_es.ingest.recorder import CONFIGURED
from analytics_es.log import EventLog, announced
from analytics_es.queries.as_of import recorded_at


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

        An event is recorded when it occurs, or later: a policy that ended before that time does not count.
        """
        until = [policy for policy in self.in_force if policy.position <= upto]
        ended = sum(later.since < since for _, later in pairwise(until))
        return tuple(sorted({word for word in words if any(_drops(one.policy, word) for one in until[ended:])}))


class PolicyLog:
    """What a log says of policies, read on from where it was read last; safe to use from several threads."""

    def __init__(self, log: EventLog) -> None:
        self._log, self._lock = log, threading.Lock()
        self._policies, self._read = Policies(), 0

    def __call__(self) -> Policies:
        """Return the policies of now."""
        with self._lock:
            more = announced(self._log, CONFIGURED, _policy, after=self._read)
            if more.said:
                added = [InForce(at, recorded_at(self._log, at) or EARLIEST, policy) for at, policy in more.said]
                self._policies, self._read = Policies((*self._policies.in_force, *added)), added[-1].position
            return self._policies


def _policy(data: Mapping[str, Any]) -> PrivacyPolicy:
    """Read a policy as the log has it; raises KeyError, TypeError, BadPolicy."""
    return PrivacyPolicy(rules=tuple((rule["path"], rule["action"]) for rule in data["rules"]))


def _drops(policy: PrivacyPolicy, word: str) -> bool:
    """Say whether a policy drops the field that a word of a question is about; a word of no field is never dropped.

    Of a tag that was not declared yet, it may have kept some values only.
    """
    if word not in ENTITIES and word not in FIELDS and not word.startswith(TAG):
        return False
    path = named_by(word) if word in ENTITIES or word.startswith(TAG) else (word,)
    action = policy.action(".".join(path))
    return action in (DROP, DROP_TEXT) or (word.startswith(TAG) and action in SHAPES)
