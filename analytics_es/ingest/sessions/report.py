"""What became of one agent's files in one look."""

from __future__ import annotations

from collections import Counter

from attrs import Factory, define

from analytics_es.types import Refusal

TOLD = 100  # refusals, and files with odd records, that are told of: of the others only how many

AGAIN, UNTIMED, DIFFERS = "told again under another id", "no time", "there before, with other figures"
OTHERWISE = "told otherwise"
THERE, REFUSED, UNKNOWN = "there before", "refused", "record of an unknown shape"


@define(kw_only=True)
class AgentReport:
    """What became of one agent's files in one look.

    agent: its name; files: how many there are; read: how many of them had something new; homes: its folders.
    events: what was recorded; calls: calls among them; partial: calls among these whose final usage was never written.
    open: calls that are not certain yet; skipped: what was passed over, by reason, and how many.
    refusals: of the first events that the log refused, why.
    unknown: of the first files with a record of an unknown shape, what was wrong with it.
    problems: files that could not be read, and why; and what else is not as it should be, such as the cache.
    """

    agent: str
    homes: list[str] = Factory(list)
    files: int = 0
    read: int = 0
    events: int = 0
    calls: int = 0
    partial: int = 0
    open: int = 0
    skipped: Counter[str] = Factory(Counter)
    refusals: list[Refusal] = Factory(list)
    unknown: dict[str, str] = Factory(dict)
    problems: dict[str, str] = Factory(dict)

    @property
    def refused(self) -> int:
        """How many events the log refused."""
        return sum(count for reason, count in self.skipped.items() if reason.startswith(REFUSED))


def shown(path: object) -> str:
    """Return a path as it can be printed and stored, also one that is no Unicode."""
    return str(path).encode("utf-8", "backslashreplace").decode()
