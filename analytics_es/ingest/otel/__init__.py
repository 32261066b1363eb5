"""Spans of OpenTelemetry as events: live by an exporter for its SDK (extra `otel`), or from files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analytics_es.ingest.otel.exporter import AnalyticsSpanExporter, ExportStats

__all__ = ["AnalyticsSpanExporter", "ExportStats"]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        """Import what needs the SDK when it is used first: files of spans are read without it; raises MissingExtra."""
        if name not in __all__:
            raise AttributeError(name)
        from analytics_es.ingest.otel import exporter

        return getattr(exporter, name)
