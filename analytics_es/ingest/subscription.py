"""Subscriptions: what buses deliver, on its way into the log; what cannot be recorded is kept there with the reason."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, NamedTuple

from attrs import Factory, define, evolve, field, frozen

from analytics_es.errors import (
    AnalyticsError,
    BeforeHorizon,
    Closed,
    NotABus,
    OtherContent,
    RefusedEvent,
    UnreadableMessage,
)
from analytics_es.events.event import REJECTED
from analytics_es.ingest.bus import BatchBus, Message, MessageBus, at_all_depths, by_depth, check_patterns
from analytics_es.ingest.corrections import WAITING, Batch
from analytics_es.ingest.messages import arguments, event_of, rejection, to_message
from analytics_es.ingest.recorder import Recorder
from analytics_es.log import Appended, Entry, Horizon, check_horizon
from analytics_es.process import Trouble, leaving

logger = logging.getLogger(__name__)


@frozen(kw_only=True)
class SubscriptionStats:
    """What came of a subscription.

    received: how many messages were delivered and are in the log now, in whatever way.
    recorded: how many of them are new events.
    duplicates: how many of them were there before.
    rejected: how many of them give no event, and are kept with the reason.
    waiting: how many of the recorded correct a call that is not there yet; they count from when that comes.
    failures: how many attempts to record failed, after which the bus delivers again.
    trouble: what keeps messages from being recorded now; None where nothing does.
    """

    received: int = 0
    recorded: int = 0
    duplicates: int = 0
    rejected: int = 0
    waiting: int = 0
    failures: int = 0
    trouble: str | None = None


class Form(NamedTuple):
    """How messages are read.

    read: the arguments of `record_event` that a message means; raises RefusedEvent.
    event_of: what a message that gives no event says of one; None where that is nothing.
    named: a message that gives no event, with what tells it from all others, the same at every delivery.
    """

    read: Callable[[Message], dict[str, Any]]
    event_of: Callable[[Message], dict[str, Any] | None]
    named: Callable[[Message], Message]


BUS = Form(arguments, event_of, lambda message: message)


class Outcome(NamedTuple):
    """What became of a message: its place, and where it gave no event, or another than is stored, why it is kept."""

    place: Appended
    refused: RefusedEvent | None


@define
class Intake:
    """Records messages, as many as there are at once in one commit, and counts what came of them."""

    recorder: Recorder
    owner: object = None  # is there as long as the bus is, or whoever else holds this
    form: Form = BUS
    what: str = "Messages of a bus"
    closed: bool = False
    stats: SubscriptionStats = field(factory=SubscriptionStats)
    _counting: Any = field(factory=threading.Lock)
    _trouble: Trouble = field(default=Factory(lambda self: Trouble(logger, self.what), takes_self=True))

    def record(self, *positional: Any, **named: Any) -> None:
        """Record one message, in whichever shape a bus hands it over; raises what keeps it from being recorded."""
        try:
            message = to_message(*positional, **named)
        except UnreadableMessage as reason:
            message = Message(topic="", payload=positional or named)
            self.recorder.outcomes.note(reason, kept=True)
            self._append([message], [self._rejection(message, reason)])
        else:
            self.record_batch([message])

    def record_batch(self, messages: Sequence[Message]) -> None:
        """Record messages: durable when it returns; where it raises, they are to be delivered again."""
        self.take(messages)

    def take(self, messages: Sequence[Message]) -> list[Outcome]:
        """Do the same, and say what became of each."""
        self.recorder.follow_policy()
        horizon = self.recorder.log.seals.horizon()
        batch: dict[str, Entry] = {}
        read = []
        for message in messages:
            read.append(self._entry(message, horizon, batch))
            batch.setdefault(read[-1][0].key, read[-1][0])
        reasons = [reason for _, reason in read]
        places = self._append(messages, [entry for entry, _ in read])
        return [
            Outcome(place, reason or (OtherContent(position=place.position) if place.differs else None))
            for place, reason in zip(places, reasons, strict=True)
        ]

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def _entry(self, message: Message, horizon: Horizon, batch: Batch) -> tuple[Entry, RefusedEvent | None]:
        """Return what is recorded of a message, and where that is not its event, why."""
        try:
            entry = self.recorder.fitted(self.recorder.door.write(**self.form.read(message)), batch)
            check_horizon(horizon, [entry])
            return entry, None
        except RefusedEvent as reason:
            if isinstance(reason, BeforeHorizon):
                self.recorder.log.seals.count_refused(1)
            self.recorder.outcomes.note(reason, message.topic, kept=True)
            return self._rejection(message, reason), reason

    def _rejection(self, message: Message, reason: RefusedEvent) -> Entry:
        kept = rejection(self.form.named(message), reason)
        return self.recorder.rejection(**kept, event=self.form.event_of(message))

    def _append(self, messages: Sequence[Message], entries: Sequence[Entry]) -> list[Appended]:
        if self.closed:
            raise Closed
        try:
            appended = self.recorder.append(entries)
            differing = self._differing(messages, entries, appended)
            rejections = self.recorder.append(differing) if differing else []
        except Exception as error:
            self._count({"failures": 1}, trouble=str(error))
            self._trouble.begins(error if isinstance(error, AnalyticsError) else type(error).__name__)
            raise
        self._trouble.over()
        self._count(_tally(entries, appended, rejections))
        return list(appended)

    def _differing(
        self, messages: Sequence[Message], entries: Sequence[Entry], appended: Sequence[Appended]
    ) -> list[Entry]:
        """Keep what was told under the identity of another event: it must not be lost."""
        return [
            self._rejection(message, OtherContent(position=place.position))
            for message, entry, place in zip(messages, entries, appended, strict=True)
            if place.differs and entry.type != REJECTED
        ]

    def _count(self, more: Mapping[str, int], *, trouble: str | None = None) -> None:
        with self._counting:
            totals = {name: getattr(self.stats, name) + number for name, number in more.items()}
            self.stats = evolve(self.stats, trouble=trouble, **totals)


def _tally(entries: Sequence[Entry], appended: Sequence[Appended], rejections: Sequence[Appended]) -> dict[str, int]:
    new = [entry.type for entry, place in zip(entries, appended, strict=True) if not place.duplicate]
    rejected_now = new.count(REJECTED)
    afterwards = sum(not place.duplicate for place in rejections)
    return {
        "received": len(entries),
        "recorded": len(new) - rejected_now,
        "duplicates": len(entries) - len(new) - afterwards,
        "rejected": rejected_now + afterwards,
        "waiting": new.count(WAITING),
    }


class Subscription:
    """A subscription to a bus, until it is closed; what `subscribe_to` returns."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._handles: list[tuple[Any, Callable[[], object]]] = []

    def add(self, handle: Any, unsubscribe: Callable[[], object]) -> None:
        """Take in what a bus has returned, and what else would end it; raises NotABus."""
        if inspect.isawaitable(handle):
            if inspect.iscoroutine(handle):
                handle.close()
            raise NotABus(kind="what subscribes by a coroutine")
        self._handles.append((handle, unsubscribe))

    def stats(self) -> SubscriptionStats:
        """Say what came of it so far."""
        stats = self._intake.stats
        troubles = (getattr(handle, "trouble", None) for handle, _ in self._handles)
        return evolve(stats, trouble=stats.trouble or next(filter(None, troubles), None))

    def close(self) -> None:
        """End it: what is being recorded is finished and acknowledged; what comes afterwards is refused."""
        with ExitStack() as ending:  # whatever one of them raises, all are ended
            ending.callback(self._intake.close)
            while self._handles:
                ending.callback(_end, *self._handles.pop(0))

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        with leaving(error):
            self.close()


def _end(handle: Any, unsubscribe: Callable[[], object]) -> None:
    """End a subscription in the way that its bus has."""
    ways = (getattr(handle, "close", None), getattr(handle, "unsubscribe", None), handle, unsubscribe)
    next(way for way in ways if callable(way))()


def subscribe(bus: MessageBus, families: Iterable[str], recorder: Recorder, *, owner: object = None) -> Subscription:
    """Subscribe to every topic of these families; raises NotABus, BadPattern, OverlappingPatterns and the bus's own.

    The `owner` of the recorder is kept as long as the subscription, or the bus, is.
    """
    patterns = check_patterns(families)
    intake = Intake(recorder, owner)
    subscription = Subscription(intake)
    try:
        if isinstance(bus, BatchBus):
            subscription.add(bus.subscribe_batches(list(map(at_all_depths, patterns)), intake.record_batch), _nothing)
        else:
            for pattern in patterns:
                for subject in by_depth(pattern):
                    _subscribe(bus, subject, intake, subscription)
    except BaseException:
        subscription.close()
        raise
    return subscription


def _subscribe(bus: MessageBus, pattern: str, intake: Intake, subscription: Subscription) -> None:
    if not callable(getattr(bus, "subscribe", None)):
        raise NotABus(kind=type(bus).__name__)
    unsubscribe = getattr(bus, "unsubscribe", None)
    ending = (lambda: unsubscribe(pattern, intake.record)) if callable(unsubscribe) else _nothing
    subscription.add(bus.subscribe(pattern, intake.record), ending)


def _nothing() -> None:
    """End nothing: this bus has no way to."""
