"""What callers hand in and get back: periods, results, receipts and answers, with their units.

Durations are milliseconds (float), money is Decimal in whole units of its currency, rates are per second, shares are
between 0 and 1, times are aware. A figure that is not known is None, never 0.
"""

from analytics_es.types.audit import (
    AnswerDiff,
    ChangeOfKind,
    ChangingEvent,
    ColumnDifference,
    DayDivergence,
    Divergence,
    LedgerCheck,
    MetricChange,
    ProjectionVerification,
    UnreadableDivergence,
    Verification,
)
from analytics_es.types.budgets import BudgetReport, BudgetStatus, BudgetThreshold, CreditStatus, ThresholdReached
from analytics_es.types.cost import (
    CostBreakdown,
    CostCorrection,
    CostPoint,
    CostRow,
    CurrencyCost,
    EffortCost,
    Tokens,
    UnitCost,
    UnitCosts,
    UnknownCost,
    UnpricedUsage,
)
from analytics_es.types.explanation import ChargedUnits, CostExplanation, ExplainedCost, ExplainedEvent, Explanation
from analytics_es.types.lifecycle import (
    BackupResult,
    ExportResult,
    FamilyRetention,
    ForgetReceipt,
    HeldCopy,
    RetentionResult,
)
from analytics_es.types.metrics import Completeness, Distribution, MetricGroup, MetricInfo, MetricPoint, MetricSummary
from analytics_es.types.performance import OperationPerformance, PerformanceMetrics, PerformancePoint
from analytics_es.types.period import Granularity, TimePeriod
from analytics_es.types.prices import PriceChange, PriceChangeTotal, Priced, PriceDiff, PricesUsed, PriceUsed
from analytics_es.types.read_models import (
    AggregationResult,
    DeadLetter,
    ProjectionStatus,
    RebuildResult,
    RetryResult,
    UnreadableValue,
)
from analytics_es.types.recording import BatchReceipt, BufferStats, Duplicate, Receipt, Refusal
from analytics_es.types.result import Failure, OperationResult, Progress
from analytics_es.types.usage import EntityUsage, EventTypeUsage, UsagePoint, UsageStats, UsageTotals

__all__ = [
    "AggregationResult",
    "AnswerDiff",
    "BackupResult",
    "BatchReceipt",
    "BudgetReport",
    "BudgetStatus",
    "BudgetThreshold",
    "BufferStats",
    "ChangeOfKind",
    "ChangingEvent",
    "ChargedUnits",
    "ColumnDifference",
    "Completeness",
    "CostBreakdown",
    "CostCorrection",
    "CostExplanation",
    "CostPoint",
    "CostRow",
    "CreditStatus",
    "CurrencyCost",
    "DayDivergence",
    "DeadLetter",
    "Distribution",
    "Divergence",
    "Duplicate",
    "EffortCost",
    "EntityUsage",
    "EventTypeUsage",
    "ExplainedCost",
    "ExplainedEvent",
    "Explanation",
    "ExportResult",
    "Failure",
    "FamilyRetention",
    "ForgetReceipt",
    "Granularity",
    "HeldCopy",
    "LedgerCheck",
    "MetricChange",
    "MetricGroup",
    "MetricInfo",
    "MetricPoint",
    "MetricSummary",
    "OperationPerformance",
    "OperationResult",
    "PerformanceMetrics",
    "PerformancePoint",
    "PriceChange",
    "PriceChangeTotal",
    "PriceDiff",
    "PriceUsed",
    "Priced",
    "PricesUsed",
    "Progress",
    "ProjectionStatus",
    "ProjectionVerification",
    "RebuildResult",
    "Receipt",
    "Refusal",
    "RetentionResult",
    "RetryResult",
    "ThresholdReached",
    "TimePeriod",
    "Tokens",
    "UnitCost",
    "UnitCosts",
    "UnknownCost",
    "UnpricedUsage",
    "UnreadableDivergence",
    "UnreadableValue",
    "UsagePoint",
    "UsageStats",
    "UsageTotals",
    "Verification",
]
