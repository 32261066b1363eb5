"""A report is derived again from the log, as of the position that it answers as of: it holds, or what changed."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from analytics_es.errors import AnalyticsError, BadWord, NotAReport
from analytics_es.lifecycle.copies import Report, reported
from analytics_es.lifecycle.files import free
from analytics_es.presentation.report import causes, mail
from analytics_es.presentation.report.asking import Answered, answered, available, check_words, edition, is_said
from analytics_es.presentation.report.carried import Carried, Unreadable
from analytics_es.presentation.report.comparison import Compared, compared
from analytics_es.presentation.report.drawing import drawn, libraries
from analytics_es.presentation.report.finding import Located, carried, located, read_file
from analytics_es.presentation.report.lines import edited
from analytics_es.presentation.report.writing import check_service, finished, stands_on, version, written
from analytics_es.types import (
    Attempt,
    OperationResult,
    Progress,
    ReportCause,
    ReportChange,
    ReportCheck,
    ReportFile,
    arguments,
)
from analytics_es.types.report import Verdict

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService


def check_report(
    service: AnalyticsService,
    path: str | Path,
    *,
    redraw: str | Path | None = None,
    progress: Progress | None = None,
) -> OperationResult[ReportCheck]:
    """Say whether a report in a file holds: derive it again from the log, as of the position that it answers as of.

    The file may be anybody's. With `redraw` the same question is drawn anew, from the log, to a new file: to trust it,
    or to look at the two. Failures are CannotRead, NotAReport for what is none, or so damaged that nothing can be
    compared, and, of the new file, FileExists, CannotWrite, MissingExtra.
    """

    def checked() -> ReportCheck:
        check_service(service)
        place, target = arguments.path("path", path), None if redraw is None else arguments.path("redraw", redraw)
        if target:
            free(target)  # said before anything is asked
        try:
            file = read_file(place)
            spot = located(file)
            checking = _Checking(service, place, file, spot, carried(file))
            verdict = checking.check(progress)
        except Unreadable as error:
            raise NotAReport(path=place, problem=error) from None
        return checking.answer(verdict, checking.redrawn(target) if target else None)

    return Attempt.of(checked)


@define(slots=False)
class _Checking:
    """One file, with what was found out about it so far."""

    service: AnalyticsService
    path: Path
    file: bytes
    spot: Located
    said: Carried
    causes: list[ReportCause] = field(factory=list)
    lines: list[ReportChange] = field(factory=list)
    compared: Compared = field(factory=Compared)
    again: Answered | None = None
    is_drawn: bool = False

    def check(self, progress: Progress | None) -> Verdict:
        """Derive again, compare, and say what became of it."""
        if not self.spot.fits:
            self.causes.append(causes.edited())
        if apart := causes.of_another_log(self.service, self.said):
            self.causes.append(apart)
            return "underivable"
        self.causes += causes.since(self.service, self.said)
        try:
            again = self.again = self._asked(progress)
        except AnalyticsError as error:
            self.causes.append(causes.underivable(error))
            return "underivable"
        self.compared = self._compared(again)
        if self.compared.changed:
            return self._changed()
        verdict = self._drawn_again(again)
        if self.compared.foreign:
            self.causes.append(causes.not_derived(self.compared.foreign))
            return "undrawn" if verdict == "holds" else verdict
        return verdict

    def _asked(self, progress: Progress | None) -> Answered:
        said = self.said
        if missing := set(said.pages) - set(available(said.pages)):
            raise Unreadable(f"it has a page that this version does not know: {sorted(missing)[0][:40]!r}")
        if len(set(said.pages)) < len(said.pages):
            raise Unreadable("it has a page twice")
        try:
            check_words(said.words, said.pages)
            if not is_said(said.words, said.period, said.now):
                raise Unreadable("it says another period than the one that it shows")
        except BadWord as error:
            raise Unreadable(f"it says what is no question: {error}".rstrip(".")) from None
        with self.service.as_of(said.position, now=said.now, from_log=True) as then:
            return answered(self.service, then, said.period, said.words, said.pages, progress)

    @cached_property
    def announced(self) -> int | None:
        """Where the log first tells of this very file: then it is as it was written, whichever version that was."""
        return self._told(self.spot)

    @cached_property
    def _reports(self) -> dict[int, Report]:
        """What the log tells of reports, read once."""
        return reported(self.service.store.log)

    def _told(self, spot: Located) -> int | None:
        if not spot.fits:
            return None
        reports = self._reports.items()
        return next((position for position, report in reports if report.sha256 == spot.checksum), None)

    def _compared(self, again: Answered) -> Compared:
        """Compare the answers; which prices are installed is a figure where they are those of then."""
        if again.answers == self.said.answers:
            return Compared()
        of_another = self.said.version != version() or self.announced
        now = again.all() if of_another else json.loads(again.answers)
        try:
            return compared(json.loads(self.said.answers), now, installed=not self._has("other_prices"))
        except RecursionError:
            raise Unreadable("what it carries cannot be read") from None

    def _has(self, name: str) -> bool:
        return any(cause.cause == name for cause in self.causes)

    def _changed(self) -> Verdict:
        """Say what became of a file whose figures are others now: it shows those of then."""
        if all(cause.cause == "edited" for cause in self.causes):
            self.causes.append(causes.unexplained())
        return "changed" if self.spot.fits else "edited"

    def _drawn_again(self, again: Answered) -> Verdict:
        """Draw what the file should show, and compare."""
        try:
            expected = drawn(again.pages, self._stated(), self.service)
            alike = self._is_drawn_alike()
        except AnalyticsError as error:  # no extra, or no key for the names
            self.causes.append(causes.not_drawn(error))
            return self._differing(None, alike=False)
        self.is_drawn = self.file == expected
        return "holds" if self.is_drawn else self._differing(expected, alike=alike)

    def _is_drawn_alike(self) -> bool:
        """Say whether what drew it, by what it says, draws now, too; it says which prices are installed."""
        said = self.said
        installed = edition(self.service, said.position).version
        if (said.version, said.prices.version) != (version(), installed):
            return False
        return said.drawing == libraries(script=said.script)

    def _stated(self) -> Carried:
        """Return what the file says of itself, with what the log says of it."""
        published = edition(self.service, self.said.position).published
        return evolve(self.said, prices=evolve(self.said.prices, published=published))

    def _differing(self, expected: bytes | None, *, alike: bool) -> Verdict:
        """Say what became of a file that is not what is drawn now, if it can be drawn."""
        if self.announced:
            return self._as_written(alike=alike)
        if self._is_sent(expected):
            self.causes.append(causes.sent())
        elif expected is not None:
            self.lines = edited(self.file, expected)
        if not self.spot.fits:
            return "edited"
        if alike:
            self.causes.append(causes.other_names() if self.said.names else causes.edited_with_checksum())
            return "changed" if self.said.names else "edited"
        if not self.said.names and (written_as := self._as_announced()):
            self.causes.append(causes.edited_since(written_as))
            return "edited"
        if expected is not None:
            self.causes.append(causes.drawn_otherwise(self.said))
        return "undrawn"

    def _as_written(self, *, alike: bool) -> Verdict:
        """Say what became of a file that the log tells of: names alone can be others now."""
        if self.said.names and self._has("forgotten"):
            self.causes.append(causes.other_names() if alike else causes.names_not_compared())
            return "changed" if alike else "undrawn"
        return "holds"

    def _is_sent(self, expected: bytes | None) -> bool:
        """Say whether nothing but the ends of lines is not as it was written."""
        if expected is not None and mail.is_sent(self.file, expected):
            return True
        return not self.spot.fits and self._told(located(mail.unsent(self.file))) is not None

    def _as_announced(self) -> str | None:
        """Return the checksum of the report that carries the same, where the log tells of one."""
        return next((report.sha256 for report in self._reports.values() if report.answers == self.said.sum), None)

    def redrawn(self, target: Path) -> ReportFile | None:
        """Draw the same question anew, with pseudonyms: who asks for names is this file, which may be anybody's."""
        if not self.again:
            return None
        said = self.said
        now = stands_on(self.service, said.position, script=said.script)
        anew = evolve(said, answers=self.again.answers, names=False, **now)
        return written(self.service, target, finished(self.service, self.again.pages, anew), replace=False)

    def answer(self, verdict: Verdict, redrawn: ReportFile | None) -> ReportCheck:
        """Return all that was found out."""
        said = self.said
        return ReportCheck(
            path=self.path,
            holds=verdict == "holds",
            verdict=verdict,
            period=said.period,
            position=said.position,
            log=said.log,
            version=said.version,
            drawn=self.is_drawn,
            announced=self.announced,
            changes=self.compared.changes,
            changed=self.compared.changed,
            lines=self.lines,
            causes=self.causes,
            redrawn=redrawn,
        )
