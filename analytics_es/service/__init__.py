"""What an application embeds: one service over one open store."""

from analytics_es.service.as_of import AsOf
from analytics_es.service.service import AnalyticsService

__all__ = ["AnalyticsService", "AsOf"]
