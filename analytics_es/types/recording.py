"""What became of events that were handed in."""

from __future__ import annotations

from attrs import Factory, frozen

from analytics_es.types.result import Failure


@frozen(kw_only=True)
class Receipt:
    """Where an event is in the log. `differs`: a duplicate told something else; what was stored first stays."""

    position: int
    duplicate: bool = False
    differs: bool = False


@frozen(kw_only=True)
class Refusal:
    """An event of a batch that was refused, and why. `index` counts from 0 over the whole input."""

    index: int
    code: str
    message: str


@frozen(kw_only=True)
class BatchReceipt:
    """What became of many events. `differing` is how many of the duplicates told something else than what is stored."""

    recorded: int
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    refusals: list[Refusal] = Factory(list)  # the first 100
    last_position: int | None = None


@frozen(kw_only=True)
class BufferStats:
    """What a buffer did since it was opened, or since the fork that made this process.

    accepted = recorded + duplicates + lost + buffered. `dropped` and `refused` were never accepted. `failed_commits`
    are attempts; their events were tried again. `oldest_seconds`: how long the first of the buffered has been waiting.
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
