"""What is in force in a store, whoever opens it: said once, told by an event, and known again by a note beside it.

So who opens a store without saying anything means by it what the others do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from attrs import define, field, frozen

from analytics_es.errors import NotReadable
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.log import EventLog, announced
from analytics_es.log.announcements import content_of
from analytics_es.process import Trouble
from analytics_es.types import UnreadAnnouncement

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # so long may a policy go unnoticed that another process has told of
AGAIN_SECONDS = 60.0  # … of one that goes by its own all the same, until it tells of that again
POLICY = "privacy"  # noted in the log: the fingerprint of the policy in force
CONFIGURED = "analytics.privacy.configured"


class Configuration(Protocol):
    """What may be in force in a store."""

    @property
    def fingerprint(self) -> str:
        """What tells it from every other; none has what a log means that was never told of any."""

    @property
    def in_words(self) -> str:
        """What it is called, in few words."""

    def to_dict(self) -> dict[str, Any]:
        """Return what the log says of it."""


C = TypeVar("C", bound=Configuration)


@frozen(kw_only=True)
class Kind(Generic[C]):
    """One kind of what may be in force: how it is noted, told and read again.

    Anything may lie in a log under the type of its event. What was really told is what the note is the fingerprint of.
    """

    name: str  # in words, with what says one
    note: str
    event_type: str
    read: Callable[[Mapping[str, Any]], C]  # raises whatever it likes
    plain: C  # what has no fingerprint

    def of(self, log: EventLog) -> C | None:
        """Return what is in force in a log, None where nobody has said anything; raises NotReadable."""
        noted = log.noted(self.note)
        if noted is None:
            if any(_is_nearly(name, self.note) for name in log.notes("")):  # it was damaged: what was said still holds
                raise NotReadable(what=self.name, type=self.event_type)
            return None
        if noted == self.plain.fingerprint:
            return self.plain
        for held in reversed(log.announcements(self.event_type)):
            configuration = content_of(log, held.position, held.type, held.state, self.read)
            if not isinstance(configuration, UnreadAnnouncement) and configuration.fingerprint == noted:
                return configuration
        raise NotReadable(what=self.name, type=self.event_type)


def _is_nearly(name: str, note: str) -> bool:
    """Say whether a name is another one in one letter."""
    return len(name) == len(note) and sum(one != other for one, other in zip(name, note, strict=True)) == 1


PRIVACY = Kind(
    name='policy of privacy (privacy="…", or [privacy] in the settings)',
    note=POLICY,
    event_type=CONFIGURED,
    read=PrivacyPolicy.read,
    plain=PrivacyPolicy.of("full"),
)


@frozen(kw_only=True)
class Telling:
    """What an open store goes by, to be told of before the first event that is recorded, where that is news.

    said: whether somebody has said so here. What was taken over, or is the default, changes nothing that was told.
    """

    kind: Kind[Any]
    configuration: Configuration
    said: bool

    def news(self, log: EventLog) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """Return what is to be told, if anything, and what is to be noted with it."""
        noted, fingerprint = log.noted(self.kind.note), self.configuration.fingerprint
        if noted is not None and not (self.said and noted != fingerprint):
            return None, {}
        is_new = (noted or self.kind.plain.fingerprint) != fingerprint
        return self.configuration.to_dict() if is_new else None, {self.kind.note: fingerprint}

    def change(self, log: EventLog) -> tuple[str, str] | None:
        """Return what is in force and what was said instead, in words; None where that is no other."""
        if not self.said or log.noted(self.kind.note) in (None, self.configuration.fingerprint):
            return None
        try:
            before = self.kind.of(log)
        except NotReadable:
            return "one that cannot be read", self.configuration.in_words
        return (before.in_words, self.configuration.in_words) if before else None


@define(kw_only=True)
class InForce:
    """By what an open store records: the log is told of it before the first event.

    said: whether the policy of privacy was said by who opened the store. Otherwise it is the one that the log tells of,
    and if another process tells of another one, that one is followed from then on, and `on_policy` is told of it.
    more: what else the log is to be told of.
    """

    log: EventLog
    said: bool = True
    on_policy: Callable[[PrivacyPolicy], None] = lambda _: None
    more: Sequence[Telling] = ()
    _look_at: float = field(init=False, default=0.0)
    _trouble: Trouble = field(init=False, factory=lambda: Trouble(logger, "The policy of privacy of the store"))

    def tellings(self, policy: PrivacyPolicy) -> list[Telling]:
        """Return what the log is to be told of before the first event that is recorded under a policy of privacy."""
        return [Telling(kind=PRIVACY, configuration=policy, said=self.said), *self.more]

    def told_between(self, after: int, before: int) -> PrivacyPolicy | None:
        """Return the last policy that the log was told of between two positions."""
        said = announced(self.log, CONFIGURED, PrivacyPolicy.read, after=after, upto=before - 1).said
        return said[-1][1] if said else None

    def look_again(self) -> None:
        """Look what is in force when something is recorded next."""
        self._look_at = 0.0

    def moved(self, policy: PrivacyPolicy) -> PrivacyPolicy | None:
        """Return the policy that the log tells of by now, None where that is this one; looks once a second."""
        if self.said or time.monotonic() < self._look_at:
            return None
        self._look_at = time.monotonic() + LOOK_SECONDS
        if self.log.noted(POLICY) in (None, policy.fingerprint):
            return None
        try:
            moved = PRIVACY.of(self.log)
        except NotReadable as error:  # who opens the store from now on is told so, too
            self._trouble.begins(error)
            return None
        if moved:
            self.on_policy(moved)
        return moved

    def overruled(self, policy: PrivacyPolicy) -> bool:
        """Say whether the log tells of another policy than the one that was said here; looks once a minute."""
        if not self.said or time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + AGAIN_SECONDS
        return self.log.noted(POLICY) != policy.fingerprint
