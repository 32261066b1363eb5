"""A report is derived again from the log, as of the position that it answers as of: it holds, or what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field

from analytics_es.errors import AnalyticsError, NotAReport
from analytics_es.presentation.report import causes
from analytics_es.presentation.report.asking import Answered, answered, available
from analytics_es.presentation.report.carried import Carried, Unreadable
from analytics_es.presentation.report.comparison import changes
from analytics_es.presentation.report.drawing import drawn, libraries
from analytics_es.presentation.report.finding import Located, carried, located, read_file
from analytics_es.presentation.report.lines import edited
from analytics_es.presentation.report.writing import check_service, version
from analytics_es.types import Attempt, OperationResult, Progress, ReportCause, ReportChange, ReportCheck, arguments
from analytics_es.types.report import Verdict

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService


def check_report(
    service: AnalyticsService, path: str | Path, *, progress: Progress | None = None
) -> OperationResult[ReportCheck]:
    """Say whether a report in a file holds: derive it again from the log, as of the position that it answers as of.

    The file may be anybody's. Failures are CannotRead, and NotAReport for what is none, or so damaged that nothing can
    be compared.
    """

    def checked() -> ReportCheck:
        check_service(service)
        place = arguments.path("path", path)
        try:
            file = read_file(place)
            spot = located(file)
            return _Checking(service, place, file, spot, carried(file)).check(progress)
        except Unreadable as error:
            raise NotAReport(path=place, problem=error) from None

    return Attempt.of(checked)


@define
class _Checking:
    """One file, with what was found out about it so far."""

    service: AnalyticsService
    path: Path
    file: bytes
    spot: Located
    said: Carried
    causes: list[ReportCause] = field(factory=list)
    changes: list[ReportChange] = field(factory=list)
    lines: list[ReportChange] = field(factory=list)
    changed: int = 0
    is_drawn: bool = False

    def check(self, progress: Progress | None) -> ReportCheck:
        """Derive again, compare, and say what became of it."""
        if not self.spot.fits:
            self.causes.append(causes.edited())
        if apart := causes.of_another_log(self.service, self.said):
            self.causes.append(apart)
            return self._checked("underivable")
        self.causes += causes.since(self.service, self.said)
        try:
            again = self._asked(progress)
        except AnalyticsError as error:
            self.causes.append(causes.underivable(error))
            return self._checked("underivable")
        self.changes, self.changed = changes(self.said.answers, again.answers)
        verdict = self._drawn_again(again)
        if self.changed and all(cause.cause == "edited" for cause in self.causes):
            self.causes.append(causes.unexplained())
        return self._checked("changed" if self.changed and verdict != "edited" else verdict)

    def _asked(self, progress: Progress | None) -> Answered:
        said = self.said
        if missing := set(said.pages) - set(available(said.pages)):
            raise Unreadable(f"it has a page that this version does not know: {sorted(missing)[0][:40]!r}")
        with self.service.as_of(said.position, now=said.now, from_log=True) as then:
            return answered(self.service, then, said.period, said.words, said.pages, progress)

    def _drawn_again(self, again: Answered) -> Verdict:
        """Draw what the file should show, where that can be done to the byte, and compare."""
        if again.answers != self.said.answers:
            return self._verdict()
        try:
            if self.said.version != version() or self.said.drawing != libraries(script=self.said.script):
                return self._verdict()
            expected = drawn(again.pages, self.said, self.service)
        except AnalyticsError as error:  # no extra, or no key for the names
            self.causes.append(causes.not_drawn(error))
            return self._verdict()
        self.is_drawn = self.file == expected
        if self.is_drawn:
            return "holds"
        self.lines = edited(self.file, expected)
        if self.spot.fits:
            self.causes.append(causes.other_names() if self.said.names else causes.edited_with_checksum())
        return "changed" if self.said.names and self.spot.fits else "edited"

    def _verdict(self) -> Verdict:
        """Return what is known of a file that was not drawn again."""
        return "holds" if self.spot.fits else "edited"

    def _checked(self, verdict: Verdict) -> ReportCheck:
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
            changes=self.changes,
            changed=self.changed,
            lines=self.lines,
            causes=self.causes,
        )
