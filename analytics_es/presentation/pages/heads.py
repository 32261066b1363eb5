"""What the pages of answers have in common: what they are about, what they stand on, and what is not there to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from analytics_es.errors import AnalyticsError, MissingProjection, StaleReadModel
from analytics_es.presentation import Line, Link
from analytics_es.presentation.pages.asking import Asking
from analytics_es.presentation.parts import Page, Part, Section, Tile, Tiles, Ways
from analytics_es.presentation.question import PERIOD
from analytics_es.presentation.tables import metrics, parts
from analytics_es.projection.declaration import Declaration
from analytics_es.types import Completeness, CostBreakdown, TimePeriod
from analytics_es.types.sentences import sentence


def about(period: TimePeriod, *notes: str) -> str:
    """Return which days, or from when to when, in which zone: 24 to 30 Nov 2026, UTC."""
    return ", ".join((_when(period), str(period.start.tzinfo), *notes))


def against(answer: CostBreakdown) -> Iterator[str]:
    """Yield which stretch before a cost is compared with."""
    if answer.compared_with and answer.totals:
        yield f"compared with {_when(answer.compared_with)}"


def _when(period: TimePeriod) -> str:
    last = period.end - timedelta(microseconds=1) if _is_midnight(period.end) else period.end
    if not (_is_midnight(period.start) and _is_midnight(period.end)):
        return f"{_day(period.start)} {period.start:%H:%M} to {_day(period.end)} {period.end:%H:%M}"
    if period.start.date() == last.date():
        return _day(last)
    since = _day(period.start).removesuffix(f" {last:%Y}")
    return f"{since.removesuffix(f' {last:%b}') if since.endswith(f'{last:%b}') else since} to {_day(last)}"


def _day(instant: datetime) -> str:
    return f"{instant.day} {instant:%b %Y}"


def _is_midnight(instant: datetime) -> bool:
    return not (instant.hour or instant.minute or instant.second or instant.microsecond)


def foot(answers: Sequence[Completeness], period: TimePeriod, *notes: str) -> list[str]:
    """Return what answers about a period stand on."""
    return [parts.footer(answers, period, *notes).text]


def nothing(what: str, stands_on: Completeness) -> list[Part]:
    """Say that there is nothing to show; where nothing is recorded at all, a longer period has no more of it."""
    if not stands_on.position:
        begin = Link(text="how to begin", page="overview")
        return [Line("Nothing is recorded yet.", "yellow"), Ways([begin])]
    return [Line(sentence("No {what} in this period: try a longer one, such as --last 4w.", what=what), "yellow")]


def behind(metric: str, where: Mapping[str, str], **orders: bool) -> Link:
    """Return the way to the events behind a number, in an order such as `latest`."""
    pairs = [f"{key}={text}" for key, text in where.items()]
    asked = {order: "1" for order, chosen in orders.items() if chosen}
    return Link(text="all of them", page="events", words={"metric": metric, "where": pairs or None, **asked})


def leading(tiles: Iterable[Tile]) -> Tiles:
    """Return tiles; where there is no figure, or 0, there is nothing behind it."""
    return Tiles([tile if tile.exact else evolve(tile, behind=None) for tile in tiles])


def elsewhen(last: str) -> dict[str, str | None]:
    """Return the words of another period."""
    return {**dict.fromkeys(PERIOD), "last": last}


# ── what is not declared ────────────────────────────────────────────────────────────────────────────────────────


def declared(asking: Asking, projection: str) -> Declaration | None:
    """Return a projection of the store, None where it has none of that name."""
    return next((one for one in asking.service.store.declarations if one.name == projection), None)


def unless_missing(name: str, title: str, projection: str, made: Callable[[Asking], Page]) -> Callable[[Asking], Page]:
    """Return what makes a page; in a store whose projections cannot answer it, one that says so, and what they can."""

    def page(asking: Asking) -> Page:
        try:
            return made(asking)
        except MissingProjection as error:
            missing = projection or error.details["projection"]
            problem = sentence("This store has no projection `{missing}`, which this page shows.", missing=missing)
            return _instead(asking, name, title, problem, error)
        except StaleReadModel as error:
            missing = _never_there(asking, projection, error)
            if not missing:  # a rebuild brings it
                raise
            problem = sentence(
                "The projection `{projection}` of this store is one of its own, without {missing}.",
                projection=projection,
                missing=missing,
            )
            return _instead(asking, name, title, problem, error)

    return page


def _never_there(asking: Asking, projection: str, error: StaleReadModel) -> str:
    """Return which measures and keys a rebuild would not bring, as they are not declared."""
    declaration = declared(asking, projection)
    if declaration is None:
        return ""
    names = {key.name for key in declaration.keys} | {measure.name for measure in declaration.measures}
    return ", ".join(one for one in error.details["missing"].split(", ") if one not in names)


def _instead(asking: Asking, name: str, title: str, problem: str, error: AnalyticsError) -> Page:
    infos = asking.service.list_metrics().unwrap()
    has: list[Part] = [*metrics.by_projection(infos)]
    other = Section(title="What it tells instead", parts=has)
    return Page(name=name, title=title, parts=[Line(problem, "yellow"), other], answers={}, failure=error)
