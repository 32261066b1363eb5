"""What an application embeds: one service over one open store."""

from typing import TYPE_CHECKING, Any

from analytics_es.service.service import AnalyticsService

if TYPE_CHECKING:
    from analytics_es.service.as_of import AsOf

__all__ = ["AnalyticsService", "AsOf"]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        """Import AsOf when it is used first: it brings the rooms with it that do the work."""
        if name != "AsOf":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        from analytics_es.service.as_of import AsOf

        return AsOf
