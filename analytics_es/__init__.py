"""Embedded, event-sourced analytics for AI-agent platforms: usage, performance and cost you can prove."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analytics_es.cost import PriceBook, PriceEntry
    from analytics_es.errors import AnalyticsError
    from analytics_es.ingest import PrivacyPolicy
    from analytics_es.service import AnalyticsService, AsOf
    from analytics_es.types import (
        ExportFormat,
        Failed,
        Failure,
        OperationResult,
        Progress,
        Receipt,
        Succeeded,
        TimePeriod,
    )

__version__ = "0.1.0"

__all__ = [
    "AnalyticsError",
    "AnalyticsService",
    "AsOf",
    "ExportFormat",
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

# Where a name is imported from when it is used first: importing the package itself costs nothing.
_HOMES = {
    "cost": ("PriceBook", "PriceEntry"),
    "errors": ("AnalyticsError",),
    "ingest": ("PrivacyPolicy",),
    "service": ("AnalyticsService", "AsOf"),
    "types": (
        *("ExportFormat", "Failed", "Failure", "OperationResult", "Progress", "Receipt", "Succeeded", "TimePeriod"),
    ),
    "projection": (),
    "projections": (),
    "testing": (),
}

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        """Import a public name or a public module, when it is used first."""
        for home, names in _HOMES.items():
            if name == home:
                return importlib.import_module(f"{__name__}.{home}")
            if name in names:
                globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
                return globals()[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
