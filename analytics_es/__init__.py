"""Embedded, event-sourced analytics for AI-agent platforms: usage, performance and cost you can prove."""

from analytics_es.cost import PriceBook, PriceEntry
from analytics_es.errors import AnalyticsError
from analytics_es.ingest import PrivacyPolicy
from analytics_es.service import AnalyticsService, AsOf
from analytics_es.types import Failed, Failure, OperationResult, Progress, Receipt, Succeeded, TimePeriod

__all__ = [
    "AnalyticsError",
    "AnalyticsService",
    "AsOf",
    "Failed",
    "Failure",
    "OperationResult",
    "PriceBook",
    "PriceEntry",
    "PrivacyPolicy",
    "Progress",
    "Receipt",
    "Succeeded",
    "TimePeriod",
]
