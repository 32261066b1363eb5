"""A report asked, drawn and written: to a file that appears whole, or as bytes, such as for a mail."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from analytics_es.errors import AnalyticsError
from analytics_es.lifecycle.copies import Report, announce_report
from analytics_es.lifecycle.files import free, put
from analytics_es.presentation.parts import Page
from analytics_es.presentation.report.asking import PAGES, answered, available, check_words, definitions, edition
from analytics_es.presentation.report.carried import Carried, check_size
from analytics_es.presentation.report.drawing import drawn, libraries
from analytics_es.presentation.report.finding import located
from analytics_es.types import Attempt, OperationResult, Progress, ReportFile, TimePeriod, arguments
from analytics_es.types.arguments import Moment, Period, read_period

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService

logger = logging.getLogger("analytics_es")

Words = Mapping[str, Sequence[str]]


@frozen(kw_only=True)
class Written:
    """A report as bytes, and what it is."""

    file: bytes
    about: ReportFile


def write_report(
    service: AnalyticsService,
    path: str | Path,
    period: Period = "7d",
    *,
    script: bool = False,
    as_of: int | Moment | None = None,
    words: Words | None = None,
    pages: Sequence[str] = PAGES,
    names: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> OperationResult[ReportFile]:
    """Write a report about a period to a new file, complete without a script and without anything from elsewhere.

    It answers as of the log's head, or as of a position or a time of recording, and says so; `check_report` derives it
    again. The log is told of the file, by its checksum: so a later version can check it, too. With `script` its charts
    can be zoomed, and it is 5 MB large; for a mail, leave it out. `words` are those of the question in the address of
    a page, such as {"by": ["user"]}. `names` shows the names behind pseudonyms, as far as the vault keeps them. A file
    of that name stays as it is, and is the failure FileExists, unless it is to be replaced. Other failures:
    CannotWrite, MissingExtra without the extra `page`, and those of the questions.
    """

    def done() -> ReportFile:
        target, replaces = arguments.path("path", path), arguments.flag("replace", replace)
        options = _read(service, script, as_of, words, pages, names, progress)
        if not replaces:
            free(target)  # said before anything is asked
        return written(service, target, made(service, period, **options), replace=replaces)

    return Attempt.of(done)


def report_bytes(
    service: AnalyticsService,
    period: Period = "7d",
    *,
    script: bool = False,
    as_of: int | Moment | None = None,
    words: Words | None = None,
    pages: Sequence[str] = PAGES,
    names: bool = False,
    progress: Progress | None = None,
) -> OperationResult[bytes]:
    """Return what `write_report` would write, such as to attach it to a mail."""

    def done() -> bytes:
        return made(service, period, **_read(service, script, as_of, words, pages, names, progress)).file

    return Attempt.of(done)


def _read(
    service: AnalyticsService,
    script: bool,
    as_of: int | Moment | None,
    words: Words | None,
    pages: Sequence[str],
    names: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    """Return the arguments of a report in the types that they are used in; raises BadArgument."""
    check_service(service)
    chosen = arguments.names("pages", pages)
    if unknown := [name for name in chosen if name not in PAGES]:
        raise arguments.bad("pages", f"some of {', '.join(PAGES)}", unknown[0])
    said = _read_words(words)
    check_words(said, chosen)
    return {
        "script": arguments.flag("script", script),
        "as_of": as_of,
        "words": said,
        "pages": list(dict.fromkeys(chosen)),
        "names": arguments.flag("names", names),
        "progress": progress,
    }


def check_service(service: object) -> None:
    """Raise BadArgument for what is no open store."""
    from analytics_es.service import AnalyticsService

    if not isinstance(service, AnalyticsService):
        raise arguments.bad("service", "an AnalyticsService", service)


def _read_words(words: object) -> dict[str, list[str]]:
    if words is not None and not isinstance(words, Mapping):
        raise arguments.bad("words", 'a mapping such as {"by": ["user"]}', words)
    return {arguments.text("words", name): arguments.names("words", texts) for name, texts in (words or {}).items()}


def written(service: AnalyticsService, path: Path, report: Written, *, replace: bool) -> ReportFile:
    """Put a report into a file; raises FileExists, CannotWrite."""
    return evolve(report.about, path=put(path, report.file, service.store.log, replace=replace))


def made(
    service: AnalyticsService,
    period: Period,
    *,
    script: bool,
    as_of: int | Moment | None = None,
    words: Words | None = None,
    pages: Sequence[str] = PAGES,
    names: bool = False,
    progress: Progress | None = None,
) -> Written:
    """Ask, and draw; raises AnalyticsError.

    It is asked as of a position even where that is the head: so that all figures stand on the same events, and can be
    derived again from the log alone. The time that it is then is kept with it, else what is still open, and how long
    budgets last, would be told otherwise later.
    """
    libraries(script=script)  # who has no extra is told so before anything is asked
    position, now = _as_of(service, as_of)
    when = _placed(read_period(period, service.store.calendar.zone, now), service.store.calendar.zone)
    check_size(when)
    with service.as_of(position, now=now) as then:
        answers = answered(service, then, when, words or {}, available(pages), progress)
    carried = Carried(
        position=position,
        now=now,
        period=when,
        words=words or {},
        pages=available(pages),
        script=script,
        names=names,
        answers=answers.answers,
        **stands_on(service, position, script=script),
    )
    return finished(service, answers.pages, carried)


def stands_on(service: AnalyticsService, position: int, *, script: bool) -> dict[str, Any]:
    """Return what a report that is drawn now says of itself beside its question and its answers."""
    return {
        "log": service.store.log.identity,
        "prices": edition(service, position),
        "version": version(),
        "drawing": libraries(script=script),
        "timezone": str(service.store.calendar.zone),
        "definitions": definitions(service),
        "sealed": service.store.log.seals.horizon().seal,
    }


def finished(service: AnalyticsService, pages: Sequence[Page], carried: Carried) -> Written:
    """Draw a report, and tell the log of it: by that any later version knows the file, however it would draw it."""
    file = drawn(pages, carried, service)
    report = Report(sha256=located(file).checksum, answers=carried.sum, last_position=carried.position)
    about = ReportFile(
        path=None,
        period=carried.period,
        position=carried.position,
        log=carried.log,
        bytes=len(file),
        sha256=report.sha256,
        announced=_announced(service, report),
    )
    return Written(file=file, about=about)


def _announced(service: AnalyticsService, report: Report) -> int | None:
    """Tell the log; None where nothing can be recorded: a report is of use all the same."""
    try:
        return announce_report(service.store, report)
    except AnalyticsError as error:
        logger.warning("the log was not told of a report, which only this version can check: %s", error)
        return None


def _as_of(service: AnalyticsService, as_of: int | Moment | None) -> tuple[int, datetime]:
    """Return the position that a report answers as of, and the time that it is for it."""
    with service.as_of(service.store.log.head() if as_of is None else as_of) as at:
        now = service.store.clock() if as_of is None else at.recorded_at
        return at.position, (now or datetime.fromtimestamp(0, UTC)).astimezone(UTC)


def version() -> str:
    """Return the version of this package."""
    from analytics_es import __version__

    return __version__


def _placed(period: TimePeriod, zone: ZoneInfo) -> TimePeriod:
    """Return a period in a zone that has a name, so that its days are the same ones when it is derived again."""
    period = period.in_zone(zone)
    own = period.start.tzinfo
    named = own if isinstance(own, ZoneInfo) and own.key else zone
    start, end = (instant.astimezone(UTC).astimezone(named) for instant in (period.start, period.end))
    return TimePeriod(start, end, period.granularity)
