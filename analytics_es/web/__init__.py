"""The HTTP door: what others send, into a service; and its answers as pages (extra `web`)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analytics_es.web.app import analytics_app
    from analytics_es.web.limits import Limits

__all__ = ["Limits", "analytics_app"]

_HOMES = {"Limits": "limits", "analytics_app": "app"}

if not TYPE_CHECKING:  # a type checker would take every name for one that is there

    def __getattr__(name: str) -> Any:
        """Import what needs the extra when it is used first; raises MissingExtra where it is not installed."""
        if name not in __all__:
            raise AttributeError(name)
        import importlib

        from analytics_es.errors import MissingExtra

        try:
            return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        except ModuleNotFoundError as error:
            if str(error.name).startswith("analytics_es"):
                raise
            raise MissingExtra(package=str(error.name).partition(".")[0], extra="web") from None
