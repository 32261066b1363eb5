"""Questions: what can be asked of read models, of those that are kept and of those as the log stood at a position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analytics_es.service.answering import Answering
from analytics_es.types import (
    Attempt,
    BudgetReport,
    CostBreakdown,
    CostExplanation,
    CostSeries,
    ExplainedCost,
    Explanation,
    Listing,
    MetricInfo,
    MetricSummary,
    OperationResult,
    PerformanceMetrics,
    PriceDiff,
    Progress,
    StoredEvent,
    TimePeriod,
    UnitCosts,
    UsageStats,
)
from analytics_es.types.arguments import Moment, Period, reading_arguments

if TYPE_CHECKING:
    import pyarrow

    from analytics_es.audit.rows import Answer, Row
    from analytics_es.cost import PriceBook, PriceEntry


class Questions(Answering):
    """Every question, put to what answers it."""

    def list_metrics(self) -> OperationResult[Listing[MetricInfo]]:
        """List every metric that `get_summary` and `export_data` know."""
        from analytics_es.queries.summary import metrics

        return Attempt.of(lambda: metrics(self._contexts().declarations))

    @reading_arguments
    def get_summary(
        self,
        metric: str,
        period: Period,
        *,
        group_by: Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
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
            words, when = read_words(declaration, group_by, where), contexts.period(period)
            with contexts.open(declaration.name, when, words, progress) as context:
                return summary(context, metric, when, group_by=words.by, where=words.where)

        return Attempt.of(answered)

    @reading_arguments
    def get_usage_stats(
        self, entity_type: str | None, entity_id: str | None, period: Period
    ) -> OperationResult[UsageStats]:
        """Say how much one entity, all entities of a type (id None), or everyone (both None) used.

        The id "" means nobody: events that belong to no entity of the type, which are derived from the log.
        """

        from analytics_es.queries.grouping import Words
        from analytics_es.queries.usage import read_whose, usage

        def answered() -> UsageStats:
            contexts = self._contexts()
            whose = read_whose(contexts.declared("usage"), entity_type, entity_id)
            of_type = {"entity_type": entity_type} if entity_type else {}  # whose rows are read, whoever is asked for
            words = Words(where=whose if "" in whose.values() else of_type) if of_type else None
            when = contexts.period(period)
            with contexts.open("usage", when, words) as context:
                return usage(context, entity_type, whose, when)

        return Attempt.of(answered)

    def get_performance_metrics(self, period: Period) -> OperationResult[PerformanceMetrics]:
        """Say how fast and how reliable each operation was."""
        from analytics_es.queries.performance import performance

        return self._ask("performance", period, performance)

    @reading_arguments
    def get_cost_breakdown(
        self,
        period: Period,
        *,
        by: Sequence[str] = ("model",),
        where: Mapping[str, Any] | None = None,
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

        from analytics_es.cost.breakdown import cost

        return self._ask_cost(cost, period, by, where, prices, models, progress)

    @reading_arguments
    def get_cost_series(
        self,
        period: Period,
        *,
        by: Sequence[str] = ("model",),
        where: Mapping[str, Any] | None = None,
        prices: PriceBook | Iterable[PriceEntry | Mapping[str, Any]] | None = None,
        models: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> OperationResult[CostSeries]:
        """Say what calls cost over time, by the same as `get_cost_breakdown`, of which this is each row by the bucket.

        The points of a combination of `by` add up to its row there, those of a bucket to its series, to the last digit.
        """
        from analytics_es.cost.series import cost_series

        return self._ask_cost(cost_series, period, by, where, prices, models, progress)

    def get_unit_costs(self, period: Period, *, where: Mapping[str, Any] | None = None) -> OperationResult[UnitCosts]:
        """Say what a job, a successful task, a conversation and 1,000 tokens of output cost on average, by currency.

        Each is what all its calls of the period cost, by how many there are. Filters choose calls, and with them jobs
        and conversations; tasks that ended well are all of the period, so that what models cost per task adds up.
        """
        from analytics_es.cost.unit_costs import unit_costs

        return self._ask("cost", period, lambda context, when: unit_costs(context, when, where))

    @reading_arguments
    def diff_prices(
        self, entries: Iterable[PriceEntry | Mapping[str, Any]], period: Period
    ) -> OperationResult[PriceDiff]:
        """Say what computed costs would change if these entries were published now: by model and day, and in all.

        Entries are those of `publish_prices`. Nothing is recorded. What calls reported stays, and is not compared.
        """
        from analytics_es.cost.price_diff import price_diff
        from analytics_es.queries.grouping import Words

        return self._ask("cost", period, lambda context, when: price_diff(context, entries, when), Words())

    def get_budgets(self, *, budget: str | None = None, at: Moment | None = None) -> OperationResult[BudgetReport]:
        """Say what was allocated to budgets, what is spent of it, when that reached which part, and what remains.

        Of all budgets, or of one; of the periods that hold a time, by default now, or of one budget all periods. With
        `at`, the figures are of what had occurred by the end of that hour, else of everything that is recorded.
        """

        from analytics_es.cost.budgets.accounts import BUDGETS
        from analytics_es.cost.budgets.report import budgets
        from analytics_es.queries.grouping import read_text

        def answered() -> BudgetReport:
            contexts = self._contexts()
            contexts.declared(BUDGETS)
            moment = None if at is None else contexts.moment("at", at)
            return budgets(contexts.open, None if budget is None else read_text("budget", budget), moment)

        return Attempt.of(answered)

    @reading_arguments
    def explain(
        self,
        metric: str,
        period: Period | Answer,
        *,
        row: Row | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int = 100,
        largest: bool = False,
        latest: bool = False,
        progress: Progress | None = None,
    ) -> OperationResult[Explanation]:
        """List events behind one number of a read model: the first `limit` by position, the `largest`, or the `latest`.

        The number is a metric over a period where keys have values, in the words of `get_summary`; or a figure of an
        answer, passed in the place of the period, or of one `row` of that answer:
        `explain("cost.reported_cost", breakdown, row=breakdown.rows[0])`. An answer says which period and keys it is
        about, but a summary not what it was filtered by: pass that as `where` again.
        Money of several currencies is never added: the failure names them, ask for one of them. `latest` goes before
        `largest`: those that happened last come first.
        """

        from analytics_es.audit.explain import explain
        from analytics_es.audit.rows import period_and_keys
        from analytics_es.queries.grouping import read_words
        from analytics_es.queries.summary import find_metric

        def explained() -> Explanation:
            contexts = self._contexts()
            when, keys = period_and_keys(contexts.about(period), row, where, metric=metric)
            declaration, _ = find_metric(contexts.declarations, metric)
            keys = {**read_words(declaration, where=keys).where}
            options: dict[str, Any] = {"limit": limit, "largest": largest, "latest": latest, "progress": progress}
            with contexts.evidence(declaration.name, when) as context:
                return explain(context, contexts.store, metric, when, keys, **options)

        return Attempt.of(explained)

    @reading_arguments
    def explain_cost(
        self,
        period: Period | Answer,
        *,
        row: Row | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int = 100,
        largest: bool = True,
        latest: bool = False,
        progress: Progress | None = None,
    ) -> OperationResult[CostExplanation]:
        """List the calls behind a cost, each with how it comes about: reported, or computed at which price, or unknown.

        The cost is that of a period where keys have values, or of a breakdown, or of one `row` of it:
        `explain_cost(breakdown, row=breakdown.rows[0])`. What all calls cost adds up to it, to the last digit. A
        breakdown does not say what it was filtered by: pass that as `where` again. `where={"currency": ""}` are the
        calls of which the cost is not known. What is only supposed cannot be explained. The dearest are listed first,
        with `latest` those that happened last.
        """

        from analytics_es.audit.explain_cost import explain_cost
        from analytics_es.audit.rows import COST, period_and_keys
        from analytics_es.cost.breakdown import read_cost_words

        def explained() -> CostExplanation:
            contexts = self._contexts()
            when, keys = period_and_keys(contexts.about(period), row, where, metric=COST)
            keys = {**read_cost_words(contexts.declared("cost"), (), keys).where}
            options: dict[str, Any] = {"limit": limit, "largest": largest, "latest": latest, "progress": progress}
            with contexts.evidence("cost", when) as context:
                return explain_cost(context, contexts.store, when, keys, **options)

        return Attempt.of(explained)

    @reading_arguments
    def get_event(self, position: int) -> OperationResult[StoredEvent]:
        """Return what is stored at a position of the log, what it adds to which metric, and how its cost comes about.

        With the call that it corrects, or its corrections, and what projections could not use of it. What was masked
        stays masked, and pseudonyms stay. The failure is SealedEvent for one that retention let go of, NoSuchPosition
        for a position that the log has not reached.
        """
        from analytics_es.audit.explain_cost import cost_of
        from analytics_es.audit.stored_event import stored_event

        def stored() -> StoredEvent:
            contexts = self._contexts()

            def cost(stored: pyarrow.Table, hour: TimePeriod) -> ExplainedCost | None:
                if not any(declaration.name == "cost" for declaration in contexts.declarations):
                    return None
                with contexts.evidence("cost", hour) as context:
                    return cost_of(context, contexts.store, stored, hour)

            return stored_event(contexts.store, position, cost)

        return Attempt.of(stored)
