"""What became of events that were handed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import Factory, frozen

from analytics_es.types.result import Failure
from analytics_es.types.value_object import ValueObject


@frozen(kw_only=True, eq=False, repr=False)
class Receipt(ValueObject):
    """What became of one event.

    position: where it is in the log, 1 for the first.
    duplicate: it was there before; nothing changed.
    differs: a duplicate that told something else than its time; what was stored first stays.
    waiting: it corrects a call that is not there yet; it counts from when that comes.
    """

    position: int
    duplicate: bool = False
    differs: bool = False
    waiting: bool = False


@frozen(kw_only=True, eq=False, repr=False)
class Refusal(ValueObject):
    """An event of a batch that was refused, and why.

    index: which of the whole input it was, from 0.
    code: the stable name of the failure.
    message: what is wrong and what to do, for people.
    field: which field is wrong; None where it is none, or has no plain name.
    """

    index: int
    code: str
    message: str
    field: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class RejectedMessage(ValueObject):
    """A message that gave no event, and is kept with the reason.

    position: where in the log it is kept.
    subject: the topic it came under.
    occurred_at: when it came, or happened, in UTC.
    code: the stable name of what was wrong.
    field: which field was wrong; None where it is none.
    problem: what was wrong, for people; without what was passed, unless the policy of privacy keeps that.
    event: what is left of the event: type, source, id, occurred_at and data; None where that is nothing.
    recorded: where the event is that was recorded in its place since; None where there is none.
    """

    position: int
    subject: str
    occurred_at: datetime
    code: str
    field: str | None
    problem: str | None
    event: dict[str, Any] | None
    recorded: int | None


@frozen(kw_only=True, eq=False, repr=False)
class Duplicate(ValueObject):
    """An event of a batch that was there before.

    index: which of the whole input it was, from 0.
    position: where what is stored is in the log.
    differs: it told something else than its time; what was stored first stays.
    """

    index: int
    position: int
    differs: bool


@frozen(kw_only=True, eq=False, repr=False)
class BatchReceipt(ValueObject):
    """What became of many events.

    recorded: how many are new in the log.
    duplicates: how many were there before.
    differing: how many of the duplicates told something else than what is stored.
    refused: how many were refused.
    refusals: the first 100 of the refused.
    last_position: of the last one recorded; None where none was.
    waiting: how many of the recorded correct a call that is not there yet; they count from when that comes.
    skipped: of an export, how many events were what the other store had to say itself, by their type.
    prices: how many of the recorded are prices that another store had published.
    """

    recorded: int
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    refusals: list[Refusal] = Factory(list)  # the first 100
    last_position: int | None = None
    waiting: int = 0
    skipped: dict[str, int] = Factory(dict)
    prices: int = 0


@frozen(kw_only=True, eq=False, repr=False)
class ServiceStats(ValueObject):
    """What became of everything that this process handed to a service since it was opened, or since the fork.

    Other processes of the same store count for themselves.

    recorded: how many events are new in the log.
    duplicates: how many were there before.
    differing: how many of the duplicates told something else than what is stored.
    refused: how many were refused; of a batch that was not recorded for that, all.
    refused_by_code: the same, by the code of the failure, such as `bad_field`.
    kept: how many messages and spans could not be recorded, and are kept in the log with the reason.
    failed_calls: how many calls recorded nothing because the store could not be written, or was closed.
    failed_by_code: the same, by the code of the failure, such as `store_busy`.
    buffered: how many events wait in buffers to be committed, now.
    dropped: how many events found a full buffer.
    lost: how many events that buffers had accepted were given up.
    received: how many messages the open subscriptions were delivered.
    lag_events: how many events the log holds that are not in every read model; None where the store cannot say.
    lag_seconds: how long the first of these has been waiting, in seconds; None where the store cannot say.
    """

    recorded: int
    duplicates: int
    differing: int
    refused: int
    refused_by_code: dict[str, int]
    kept: int
    failed_calls: int
    failed_by_code: dict[str, int]
    buffered: int
    dropped: int
    lost: int
    received: int
    lag_events: int | None
    lag_seconds: float | None


@frozen(kw_only=True, eq=False, repr=False)
class BufferStats(ValueObject):
    """What a buffer did since it was opened, or since the fork that made this process.

    accepted = recorded + duplicates + lost + buffered.

    buffered: how many events wait to be committed.
    oldest_seconds: how long the first of them has been waiting, in seconds.
    accepted: how many events were taken in.
    recorded: how many of them are new in the log.
    duplicates: how many of them were there before.
    differing: how many of the duplicates told something else than what is stored.
    refused: how many events were refused at the door; never accepted.
    dropped: how many events found it full; never accepted.
    lost: how many accepted events were given up.
    failed_commits: how many attempts failed; their events were tried again.
    last_failure: why the last of them failed; None where none did.
    """

    buffered: int
    oldest_seconds: float
    accepted: int
    recorded: int
    duplicates: int
    differing: int
    refused: int
    dropped: int
    lost: int
    failed_commits: int
    last_failure: Failure | None
