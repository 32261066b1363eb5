"""Why a report may not hold any more: what is not as it was when it was written, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analytics_es.errors import AnalyticsError, NoLongerKept, SealedPeriod
from analytics_es.lifecycle.trace import FORGOTTEN, read_forgotten
from analytics_es.log import announced
from analytics_es.presentation.report.asking import definitions, edition
from analytics_es.presentation.report.carried import Carried, Edition
from analytics_es.presentation.report.writing import version
from analytics_es.presentation.words import plural, safe
from analytics_es.types import ReportCause
from analytics_es.types.sentences import of_error, sentence

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService

LONGEST = 80  # characters of what a file says


def edited() -> ReportCause:
    """Return what is said of a file whose checksum does not fit."""
    return ReportCause(cause="edited", text="the file was changed after it was written: its checksum does not fit")


def edited_with_checksum() -> ReportCause:
    """Return what is said of a file that was given another checksum."""
    text = "the file shows something else than what the log says, and was given a checksum that fits"
    return ReportCause(cause="edited", text=text)


def other_names() -> ReportCause:
    """Return what is said of a file with names that are not those of now."""
    text = "the names that it shows are not those that the vault has now: forgotten since, or the file was changed"
    return ReportCause(cause="other_names", text=text)


def sent() -> ReportCause:
    """Return what is said of a file whose ends of lines are others."""
    text = "all that it shows is as it was: lines end otherwise, as programs for mail make them: attach the file"
    return ReportCause(cause="edited", text=text)


def drawn_otherwise(said: Carried) -> ReportCause:
    """Return why what a file shows cannot be compared to the byte, and what could compare it."""
    drawing = [f"{name} {number}" for name, number in said.drawing.items()]
    drawing += [f"genai-prices {said.prices.version}"] if said.prices.version else []
    text = f"what it shows is compared by what drew it: {_short(', '.join([f'analytics_es {said.version}', *drawing]))}"
    return ReportCause(cause="not_drawn", text=text)


def not_drawn(error: AnalyticsError) -> ReportCause:
    """Return why it could not be drawn again, though its answers are the same."""
    return ReportCause(cause="not_drawn", text=sentence("it was not drawn again: {error}", error=of_error(error)))


def edited_since(checksum: str) -> ReportCause:
    """Return what is said of a file that is not the one that the log tells of."""
    text = f"the log tells of this report with another checksum, {checksum[:12]}…: the file was changed since"
    return ReportCause(cause="edited", text=text)


def names_not_compared() -> ReportCause:
    """Return what is said of a file with names that this version cannot draw as they were."""
    text = "whether it shows names that were forgotten since is compared by what drew it"
    return ReportCause(cause="other_names", text=text)


def not_derived(figures: Sequence[str]) -> ReportCause:
    """Return what is said of figures that this version does not know."""
    text = f"it has figures that this version does not derive: {', '.join(map(_short, figures[:5]))}"
    return ReportCause(cause="not_derived", text=f"{text} …" if len(figures) > 5 else text)


def unexplained() -> ReportCause:
    """Return what is said where nothing explains other figures."""
    text = sentence("nothing that is known of explains it: see what `analytics-es projections verify` says of the log")
    return ReportCause(cause="unexplained", text=text)


def underivable(error: AnalyticsError) -> ReportCause:
    """Return why the log cannot say it again."""
    sealed = isinstance(error, SealedPeriod | NoLongerKept)
    text = sentence("it cannot be derived again: {error}", error=of_error(error))
    return ReportCause(cause="sealed" if sealed else "unexplained", text=text)


def of_another_log(service: AnalyticsService, said: Carried) -> ReportCause | None:
    """Return what is said where this log is not the one, or no longer goes as far."""
    log = service.store.log
    if said.log != log.identity:
        text = f"it was derived from another log: {_short(said.log)}, and this one is {log.identity}"
        return ReportCause(cause="other_log", text=text)
    if not 0 <= said.position <= (head := log.head()):
        text = f"it answers as of position {said.position:,}, and this log ends at {head:,}: it is an older copy"
        return ReportCause(cause="shorter_log", text=text)
    return None


def since(service: AnalyticsService, said: Carried) -> Iterator[ReportCause]:
    """Return what is not as it was, whether it matters or not."""
    log = service.store.log
    if forgotten := len(announced(log, FORGOTTEN, read_forgotten, after=said.position).said):
        yield ReportCause(cause="forgotten", text=f"{plural(forgotten, 'subject')} forgotten since")
    if log.seals.horizon().seal > said.sealed:
        yield ReportCause(cause="sealed", text="events sealed since, by what is kept no longer (retention)")
    now = edition(service, said.position)
    if (now.version, now.digest) != (said.prices.version, said.prices.digest):
        yield ReportCause(cause="other_prices", text=f"prices of {_named(said.prices)} then, of {_named(now)} now")
    ours = definitions(service)
    if others := [name for name in sorted({*said.definitions, *ours}) if said.definitions.get(name) != ours.get(name)]:
        text = f"projections are defined otherwise: {', '.join(map(_short, others[:10]))}"
        yield ReportCause(cause="other_definitions", text=text)
    if said.version != version():
        text = f"written by analytics_es {_short(said.version)}, checked by {version()}"
        yield ReportCause(cause="other_version", text=text)
    if said.timezone != (zone := str(service.store.calendar.zone)):
        yield ReportCause(cause="other_zone", text=f"days were kept in {_short(said.timezone)} then, in {zone} now")


def _named(prices: Edition) -> str:
    digest = f" ({prices.digest[:8]})" if prices.digest else ""
    return f"genai-prices {_short(prices.version)}{digest}" if prices.version else "no package"


def _short(text: str) -> str:
    return safe(text)[:LONGEST]
