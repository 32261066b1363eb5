"""A report is derived again from the log, as of the position that it answers as of: it holds, or what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from analytics_es.errors import AnalyticsError, BadWord, NotAReport
from analytics_es.presentation.report import causes, editions
from analytics_es.presentation.report.asking import Answered, answered, available, check_words, edition, is_said
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
        self.changes, self.changed = self._compared(again)
        verdict = self._drawn_again(again)
        if self.changed and all(cause.cause == "edited" for cause in self.causes):
            self.causes.append(causes.unexplained())
        return self._checked("changed" if self.changed and verdict != "edited" else verdict)

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

    def _compared(self, again: Answered) -> tuple[list[ReportChange], int]:
        """Compare the answers; which prices are installed is a figure where they are those of then."""
        if again.answers == self.said.answers:
            return [], 0
        try:
            return changes(self.said.answers, again.answers, installed=not self._priced_otherwise())
        except RecursionError:
            raise Unreadable("what it carries cannot be read") from None

    def _priced_otherwise(self) -> bool:
        return any(cause.cause == "other_prices" for cause in self.causes)

    def _drawn_again(self, again: Answered) -> Verdict:
        """Draw what the file should show, and compare; a file whose figures changed shows those of then."""
        if self.changed:
            return "changed" if self.spot.fits else "edited"
        try:
            expected = drawn(again.pages, self._stated(), self.service)
            alike = self._is_drawn_alike()
        except AnalyticsError as error:  # no extra, or no key for the names
            self.causes.append(causes.not_drawn(error))
            return "undrawn" if self.spot.fits else "edited"
        self.is_drawn = self.file == expected
        if self.is_drawn or self._differs_in_prices_alone(expected):
            return "holds"
        if editions.is_sent(self.file, expected):
            self.causes.append(causes.sent())
        else:
            self.lines = edited(self.file, expected)
        return self._differing(alike)

    def _stated(self) -> Carried:
        """Return what the file says of itself, with what the log says of it."""
        published = edition(self.service, self.said.position).published
        return evolve(self.said, prices=evolve(self.said.prices, published=published))

    def _is_drawn_alike(self) -> bool:
        return self.said.version == version() and self.said.drawing == libraries(script=self.said.script)

    def _differs_in_prices_alone(self, expected: bytes) -> bool:
        then, now = self.said.prices.version, edition(self.service, self.said.position).version
        return self.spot.fits and self._priced_otherwise() and editions.alike(self.file, expected, then=then, now=now)

    def _differing(self, alike: bool) -> Verdict:
        """Say what became of a file that is not what is drawn now."""
        if not self.spot.fits:
            return "edited"
        if self.said.names:
            self.causes.append(causes.other_names())
            return "changed"
        if not alike:
            self.causes.append(causes.drawn_otherwise(self.said))
            return "undrawn"
        self.causes.append(causes.edited_with_checksum())
        return "edited"

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
