"""Embedded, event-sourced analytics for AI-agent platforms: usage, performance and cost you can prove."""

from analytics_es.errors import AnalyticsError
from analytics_es.service.service import AnalyticsService
from analytics_es.types import OperationResult, Receipt, TimePeriod

__all__ = ["AnalyticsError", "AnalyticsService", "OperationResult", "Receipt", "TimePeriod"]
