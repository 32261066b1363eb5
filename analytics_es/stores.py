"""Where a store is, and its two parts opened: files side by side, memory, or one schema of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analytics_es.algebra import Declaration
from analytics_es.errors import UnknownScheme
from analytics_es.log import EventLog
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.views import Views
from analytics_es.views.sqlite import SQLiteViews


def open_store(
    url_or_path: str | Path, declarations: Sequence[Declaration], *, timezone: str, strict_ids: bool = False
) -> tuple[EventLog, Views]:
    """Open the log and the read models of a store, creating what is not there; raises CannotOpen."""
    path = log_path(url_or_path)
    if path:
        SQLiteLog.check(path)
        SQLiteViews.check(views_path(path))
    log = SQLiteLog(path, strict_ids=strict_ids)
    try:
        views = SQLiteViews(views_path(path) if path else None, declarations, log=log.identity, timezone=timezone)
        views.restart_beyond(log.head)
    except BaseException:
        log.close()
        raise
    return log, views


def log_path(url_or_path: str | Path) -> Path | None:
    """Return the log's file of a path or URL, None for a private store in memory; raises UnknownScheme."""
    text = str(url_or_path)
    if text in (":memory:", "sqlite://", "sqlite:///:memory:"):
        return None
    scheme, found, rest = text.partition("://")
    if not found:
        if not text:
            raise UnknownScheme(url=text)
        return Path(text)
    if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2:
        raise UnknownScheme(url=text)
    return Path(rest[1:])


def views_path(log: Path) -> Path:
    """Return the file of the read models beside a log: `analytics.db` has `analytics.views.db`."""
    return log.with_name(f"{log.stem}.views{log.suffix}")
