"""Questions: what can be asked of read models, of those that are kept and of those as the log stood at a position."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import frozen

from analytics_es.errors import MissingProjection
from analytics_es.types import (
    Attempt,
    BudgetReport,
    CostBreakdown,
    CostExplanation,
    Explanation,
    Listing,
    MetricInfo,
    MetricSummary,
    OperationResult,
    PerformanceMetrics,
    PriceDiff,
    Progress,
    TimePeriod,
    UnitCosts,
    UsageStats,
)

if TYPE_CHECKING:
    from analytics_es.audit.rows import Answer, Row
    from analytics_es.cost import PriceBook, PriceEntry
    from analytics_es.projection.declaration import Declaration
    from analytics_es.queries import QuestionContext
    from analytics_es.queries.grouping import Words
    from analytics_es.store import Store

T = TypeVar("T")


@frozen(kw_only=True)
class Contexts:
    """What opens contexts: `open` takes a projection, a period, the words of the question, if told, and progress.

    `evidence` opens what says up to where a read model explains a period; the events are read from the log of `store`.
    """

    declarations: Sequence[Declaration]
    open: Callable[..., AbstractContextManager[QuestionContext]]
    evidence: Callable[[str, TimePeriod], AbstractContextManager[QuestionContext]]
    store: Store


class Questions(ABC):
    """Every question, put to what opens contexts: the store of now, or its log as it stood."""

    @abstractmethod
    def _contexts(self) -> Contexts:
        """Return what questions are answered from; raises Closed after the end."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self,
        projection: str,
        period: TimePeriod,
        answer: Callable[[QuestionContext], T],
        words: Words | None = None,
    ) -> OperationResult[T]:
        def answered() -> T:
            contexts = self._contexts()
            _declared(contexts, projection)
            with contexts.open(projection, period, words) as context:
                return answer(context)

        return Attempt.of(answered)

    def list_metrics(self) -> OperationResult[Listing[MetricInfo]]:
        """List every metric that `get_summary` and `export_data` know."""
        from analytics_es.queries.summary import metrics

        return Attempt.of(lambda: metrics(self._contexts().declarations))

    def get_summary(
        self,
        metric: str,
        period: TimePeriod,
        *,
        group_by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[MetricSummary]:
        """Sum up one metric, such as `performance.duration`, over a period: figures, series, groups, period before.

        Groups add up: what belongs to no entity has the text "", and is asked for by it. Several entities together
        (`group_by=["user", "tenant"]`), and filters by "", are derived from the log, which `progress` is told of. The
        failure is BadQuestion for a filter that is no text, UnknownKey for a name that is none.
        """

        from analytics_es.queries.grouping import read_words
        from analytics_es.queries.summary import find_metric, summary

        def answered() -> MetricSummary:
            contexts = self._contexts()
            declaration, _ = find_metric(contexts.declarations, metric)
            words = read_words(declaration, group_by, where)
            with contexts.open(declaration.name, period, words, progress) as context:
                return summary(context, metric, period, group_by=words.by, where=words.where)

        return Attempt.of(answered)

    def get_usage_stats(
        self, entity_type: str | None, entity_id: str | None, period: TimePeriod
    ) -> OperationResult[UsageStats]:
        """Say how much one entity, all entities of a type (id None), or everyone (both None) used.

        The id "" means nobody: events that belong to no entity of the type, which are derived from the log.
        """

        from analytics_es.queries.grouping import Words
        from analytics_es.queries.usage import read_whose, usage

        def answered() -> UsageStats:
            contexts = self._contexts()
            whose = read_whose(_declared(contexts, "usage"), entity_type, entity_id)
            words = Words(where=whose) if "" in whose.values() else None
            with contexts.open("usage", period, words) as context:
                return usage(context, entity_type, whose, period)

        return Attempt.of(answered)

    def get_performance_metrics(self, period: TimePeriod) -> OperationResult[PerformanceMetrics]:
        """Say how fast and how reliable each operation was."""
        from analytics_es.queries.performance import performance

        return self._ask("performance", period, lambda context: performance(context, period))

    def get_cost_breakdown(
        self,
        period: TimePeriod,
        *,
        by: Sequence[str] = ("model",),
        where: Mapping[str, str] | None = None,
        prices: PriceBook | Iterable[PriceEntry | Mapping[str, Any]] | None = None,
        models: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[CostBreakdown]:
        """Say what calls cost: by provider, model, operation, and entities, such as user or attributes.team.

        The cost of a call is what it reported, else what the prices say that were in force when it happened, else it is
        unknown. What if: with `prices`, a book, or entries as if they were published on top, all calls are priced by
        these, whatever they reported; with `models`, such as {"a": "b"}, those of model a as if they were of b (or of
        `provider/b`). Nothing is recorded of it. The failure is UnknownModel for a model in the place of another that
        has no price in the period.
        Rows add up: what belongs to nobody has the text "", and is asked for by it. A `currency` in `where` is that of
        the cost, whoever told it; "" is what is not known. Several entities together, and what belongs to nobody, are
        derived from the log, which `progress` is told of: position and head.
        """

        from analytics_es.cost.breakdown import cost, read_cost_words
        from analytics_es.cost.what_if import assumption as assumed

        def answered() -> CostBreakdown:
            contexts = self._contexts()
            words = read_cost_words(_declared(contexts, "cost"), by, where)
            with contexts.open("cost", period, words, progress) as context:
                assumption = assumed(context, prices, models)
                return cost(context, period, words.by, where=words.where, assumption=assumption)

        return Attempt.of(answered)

    def get_unit_costs(
        self, period: TimePeriod, *, where: Mapping[str, str] | None = None
    ) -> OperationResult[UnitCosts]:
        """Say what a job, a successful task, a conversation and 1,000 tokens of output cost on average, by currency.

        Each is what all its calls of the period cost, by how many there are. Filters choose calls, and with them jobs
        and conversations; tasks that ended well are all of the period, so that what models cost per task adds up.
        """
        from analytics_es.cost.unit_costs import unit_costs

        return self._ask("cost", period, lambda context: unit_costs(context, period, where))

    def diff_prices(
        self, entries: Iterable[PriceEntry | Mapping[str, Any]], period: TimePeriod
    ) -> OperationResult[PriceDiff]:
        """Say what computed costs would change if these entries were published now: by model and day, and in all.

        Entries are those of `publish_prices`. Nothing is recorded. What calls reported stays, and is not compared.
        """
        from analytics_es.cost.price_diff import price_diff
        from analytics_es.queries.grouping import Words

        return self._ask("cost", period, lambda context: price_diff(context, entries, period), Words())

    def get_budgets(self, *, budget: str | None = None, at: datetime | None = None) -> OperationResult[BudgetReport]:
        """Say what was allocated to budgets, what is spent of it, when that reached which part, and what remains.

        Of all budgets, or of one; of the periods that hold a time, by default now, or of one budget all periods. With
        `at`, the figures are of what had occurred by the end of that hour, else of everything that is recorded.
        """

        from analytics_es.cost.budgets.accounts import BUDGETS
        from analytics_es.cost.budgets.report import budgets
        from analytics_es.queries.grouping import read_text

        def answered() -> BudgetReport:
            contexts = self._contexts()
            _declared(contexts, BUDGETS)
            return budgets(contexts.open, None if budget is None else read_text("budget", budget), at)

        return Attempt.of(answered)

    def explain(
        self,
        metric: str,
        period: TimePeriod | Answer,
        *,
        row: Row | None = None,
        where: Mapping[str, str] | None = None,
        limit: int = 100,
        largest: bool = False,
        progress: Progress | None = None,
    ) -> OperationResult[Explanation]:
        """List the events behind one number of a read model: the first `limit` by position, or the `largest` first.

        The number is a metric over a period where keys have values, in the words of `get_summary`; or a figure of an
        answer, passed in the place of the period, or of one `row` of that answer:
        `explain("cost.reported_cost", breakdown, row=breakdown.rows[0])`. An answer says which period and keys it is
        about, but a summary not what it was filtered by: pass that as `where` again.
        Money of several currencies is never added: the failure names them, ask for one of them.
        """

        from analytics_es.audit.explain import explain
        from analytics_es.audit.rows import period_and_keys
        from analytics_es.queries.grouping import read_words
        from analytics_es.queries.summary import find_metric

        def explained() -> Explanation:
            contexts = self._contexts()
            when, keys = period_and_keys(period, row, where, metric=metric)
            declaration, _ = find_metric(contexts.declarations, metric)
            keys = {**read_words(declaration, where=keys).where}
            options: dict[str, Any] = {"limit": limit, "largest": largest, "progress": progress}
            with contexts.evidence(declaration.name, when) as context:
                return explain(context, contexts.store, metric, when, keys, **options)

        return Attempt.of(explained)

    def explain_cost(
        self,
        period: TimePeriod | Answer,
        *,
        row: Row | None = None,
        where: Mapping[str, str] | None = None,
        limit: int = 100,
        largest: bool = True,
        progress: Progress | None = None,
    ) -> OperationResult[CostExplanation]:
        """List the calls behind a cost, each with how it comes about: reported, or computed at which price, or unknown.

        The cost is that of a period where keys have values, or of a breakdown, or of one `row` of it:
        `explain_cost(breakdown, row=breakdown.rows[0])`. What all calls cost adds up to it, to the last digit. A
        breakdown does not say what it was filtered by: pass that as `where` again. `where={"currency": ""}` are the
        calls of which the cost is not known. What is only supposed cannot be explained.
        """

        from analytics_es.audit.explain_cost import explain_cost
        from analytics_es.audit.rows import COST, period_and_keys
        from analytics_es.cost.breakdown import read_cost_words

        def explained() -> CostExplanation:
            contexts = self._contexts()
            when, keys = period_and_keys(period, row, where, metric=COST)
            keys = {**read_cost_words(_declared(contexts, "cost"), (), keys).where}
            options: dict[str, Any] = {"limit": limit, "largest": largest, "progress": progress}
            with contexts.evidence("cost", when) as context:
                return explain_cost(context, contexts.store, when, keys, **options)

        return Attempt.of(explained)


def _declared(contexts: Contexts, projection: str) -> Declaration:
    """Return a projection of those there are; raises MissingProjection."""
    for declaration in contexts.declarations:
        if declaration.name == projection:
            return declaration
    raise MissingProjection(projection=projection)
