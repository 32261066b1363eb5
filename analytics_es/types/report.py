"""Reports in files: what was written, and whether it still holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from attrs import frozen

from analytics_es.types.period import TimePeriod
from analytics_es.types.value_object import ValueObject

Verdict = Literal["holds", "changed", "edited", "undrawn", "underivable"]
Cause = Literal[
    "edited",
    "other_log",
    "shorter_log",
    "sealed",
    "forgotten",
    "other_prices",
    "other_definitions",
    "other_version",
    "other_zone",
    "other_names",
    "not_drawn",
    "not_derived",
    "unexplained",
]


@frozen(kw_only=True, eq=False, repr=False)
class ReportFile(ValueObject):
    """A report that was written to a file.

    path: where it is; None where it was only returned.
    period: what it is about.
    position: of the log, as of which it answers.
    log: the identity of the log that it was derived from.
    bytes: its size.
    sha256: of all its bytes but this checksum, which stands at its foot.
    announced: the position at which the log tells of it; None where that could not be recorded.
    """

    path: Path | None
    period: TimePeriod
    position: int
    log: str
    bytes: int
    sha256: str
    announced: int | None


@frozen(kw_only=True, eq=False, repr=False)
class ReportChange(ValueObject):
    """A figure of a report that is another one now.

    figure: where it stands: of which page, in which answer, in which row.
    was: as the file has it; None for nothing.
    now: as the log says it; None for nothing.
    """

    figure: str
    was: str | None
    now: str | None


@frozen(kw_only=True, eq=False, repr=False)
class ReportCause(ValueObject):
    """What is not as it was when a report was written.

    cause: its stable name.
    text: in words, with what to do where there is something.
    """

    cause: Cause
    text: str


@frozen(kw_only=True, eq=False, repr=False)
class ReportCheck(ValueObject):
    """Whether a report in a file holds: derived again from the log, as of the position that it answers as of.

    path: of the file.
    holds: the file is as it was written, and the log says the same.
    verdict: it `holds`, `changed`, was `edited`, is `underivable` here, or `undrawn`: not all of it could be compared.
    period: what the report is about.
    position: of the log, as of which it answers.
    log: the identity of the log that it says it was derived from.
    version: of analytics_es that wrote it.
    drawn: it was drawn again, byte for byte.
    announced: the position at which the log tells of this very file; None where it does not.
    changes: figures that are others now, the first of them.
    changed: how many there are.
    lines: of what the file shows, what it would show; the first that differ, where it was drawn again.
    causes: what is not as it was then, whether that changed figures or not.
    redrawn: the report of the same question that was drawn anew; None where that was not asked for, or cannot be.
    """

    path: Path
    holds: bool
    verdict: Verdict
    period: TimePeriod
    position: int
    log: str
    version: str
    drawn: bool
    announced: int | None
    changes: list[ReportChange]
    changed: int
    lines: list[ReportChange]
    causes: list[ReportCause]
    redrawn: ReportFile | None
