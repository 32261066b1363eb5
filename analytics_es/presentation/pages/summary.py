"""The page of metrics: any measure of any projection, also of one's own, by any of its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve

from analytics_es.presentation import words
from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.charts import summary as charts
from analytics_es.presentation.pages import heads
from analytics_es.presentation.pages.asking import Asking, Kind
from analytics_es.presentation.parts import Choice, Choices, Page, Pair, Part, Section, Tile
from analytics_es.presentation.tables import metrics as of_metrics
from analytics_es.presentation.tables import summary as tables
from analytics_es.presentation.tables.parts import PERCENTILES, compared
from analytics_es.types import MetricInfo, MetricSummary

SHOWN = 20
NARROW = 2  # figures, of which tables have room beside one another


def made(asking: Asking) -> Page:
    """Return the page."""
    infos = asking.answers.list_metrics().unwrap()
    metric = asking.question.text("metric")
    if metric is None:
        return _list(infos)
    by, where = asking.question.texts("by"), asking.question.pairs("where")
    answer = asking.answers.get_summary(metric, asking.period, group_by=by, where=where).unwrap()
    money = answer.by_currency if len(answer.by_currency) > 1 else [answer]
    notes = [PERCENTILES] if any(part.figures.p50 is not None for part in money) else []
    top = asking.question.number("top", SHOWN)
    return Page(
        name="summary",
        title=words.safe(metric + "".join(f", {key} {text or '(none)'}" for key, text in where.items())),
        sub=heads.about(answer.period, *([compared(answer)] if compared(answer) else [])),
        parts=[
            _choices(infos, metric, by, where),
            *_parts(money, top),
        ],
        answers={"summary": answer},
        foot=heads.foot([answer.completeness], answer.period, *notes),
    )


def _list(infos: Sequence[MetricInfo]) -> Page:
    """Return the page of which metrics there are."""
    all_of_them = [*of_metrics.beside(of_metrics.by_projection(infos))]
    return Page(
        name="summary",
        title="Metrics",
        sub=words.plural(len(infos), "metric"),
        parts=[_choices(infos, None, (), {}), Section(title="By projection", parts=all_of_them, answer="metrics")],
        answers={"metrics": infos},
    )


def _choices(infos: Sequence[MetricInfo], metric: str | None, by: Sequence[str], where: Mapping[str, str]) -> Part:
    options = {"": "all metrics", **{info.name: info.name for info in infos}}
    choices = [Choice(name="metric", label="Metric", options=options, chosen=[metric] if metric else [])]
    own = next((info for info in infos if info.name == metric), None)
    if own and own.keys:
        keys = {key: key for key in own.keys}
        pairs = [f"{key}={text}" for key, text in where.items()]
        choices.append(Choice(name="by", label="By", options=keys, chosen=[*by], several=True))
        choices.append(Choice(name="where", label="Where", chosen=pairs, several=True, hint=f"{own.keys[0]}=…"))
    return Choices(choices)


def _parts(money: Sequence[MetricSummary], top: int) -> Iterator[Part]:
    currencies = [part for part in money if _is_there(part)]
    if not currencies:
        yield from heads.nothing("figures of this metric", money[0].completeness)
        return
    yield heads.leading(tile for part in currencies for tile in _tiles(part))
    for part in currencies:
        yield from _sections(part, top, f" in {part.currency}" if part.currency and len(currencies) > 1 else "")


def _sections(answer: MetricSummary, top: int, currency: str) -> Iterator[Part]:
    """Return what there is of one currency: over time, by keys, and against the period before."""
    sections: list[Section] = []
    over_time: list[Part] = [*charts.summary(answer), *tables.series(answer)]
    if over_time:
        sections.append(Section(title=f"Over time{currency}", parts=over_time, answer="summary", table="series"))
    for grid in tables.groups(answer, top):
        title = f"{grid.title}{currency}"
        sections.append(Section(title=title, parts=[evolve(grid, title=title)], answer="summary", table="groups"))
    title = f"Against the period before{currency}"
    before = evolve(tables.periods(answer), title=title)
    narrow = len(tables.names(answer)) <= NARROW
    if narrow and len(sections) > 1:
        yield Pair(left=sections[0], right=evolve(sections[1], parts=[*sections[1].parts, before]))
    elif narrow and sections:
        yield Pair(left=sections[0], right=Section(title=title, parts=[before]))
    else:
        yield from (*sections, Section(title=title, parts=[before]))


def _is_there(answer: MetricSummary) -> bool:
    """Say whether there is any figure, of this period or the one before."""
    return any(
        getattr(figures, name) not in (None, 0)
        for figures in (answer.figures, answer.previous)
        for name in ("count", "total", "minimum", "maximum")
    )


def _tiles(answer: MetricSummary) -> Iterator[Tile]:
    names = [
        name for name in tables.names(answer) if name not in ("p90", *(charts.EXTREMES if answer.figures.p50 else ()))
    ]
    keys = {} if answer.currency is None else {tables.MONEY: answer.currency}
    currency = words.safe(answer.currency or "")
    change = "" if answer.change is None else f"{words.change(answer.change)} against before"
    for name in names:
        figure = getattr(answer.figures, name)
        is_main = name == ("count" if answer.figures.total is None else "total")
        yield Tile(
            label=name,
            figure=tables.shown(answer, name, figure).removesuffix(f" {currency}"),
            note=" · ".join(filter(None, [currency, change if is_main else ""])),
            behind=Behind(metric=answer.metric, where=keys),
            exact=tables.in_full(answer, name, figure),
        )


KIND = Kind(name="summary", title="Metrics", words=("metric", "by", "where", "top"), made=made)
