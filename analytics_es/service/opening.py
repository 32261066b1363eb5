"""How a service is opened: what was passed, what the settings file says, and the projections that come with it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from analytics_es.cost.budgets.thresholds import OnThreshold
from analytics_es.cost.tags import add_tags, announce_tags, check_tags
from analytics_es.errors import BadArgument, BadOption
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.privacy import DEFAULT
from analytics_es.lifecycle import RetentionPolicy
from analytics_es.lifecycle.retention import telling
from analytics_es.log import absolute
from analytics_es.log.strict import StrictIds
from analytics_es.projection import declarations_of
from analytics_es.service.parts import Lifetime, Parts
from analytics_es.service.settings import Settings, read_settings
from analytics_es.store import open_store
from analytics_es.types import arguments
from analytics_es.types.values import plain

OUR_PROJECTIONS = "analytics_es.projections"
PRIVACY = DEFAULT


@frozen(kw_only=True)
class Opening:
    """What was passed to `AnalyticsService.open`: all that it takes to open the store here, or again elsewhere."""

    url_or_path: str | Path
    schema: str
    timezone: str | ZoneInfo
    projections: Any  # classes, or one, or None
    strict_ids: StrictIds | None
    durability: Literal["commit", "group"]
    strict: bool | None
    rebuild: Literal["auto", "manual"]
    retention: Mapping[str, str] | None
    tags: Sequence[str] | None
    privacy: str | Mapping[str, Any] | PrivacyPolicy | None
    vault_key: str | Path | None
    settings: str | Path | None
    on_threshold: OnThreshold | None
    clock: Callable[[], datetime]

    def read(self) -> Opening:
        """Return what was passed in the types that it is used in; raises BadOption."""
        passed = {name: getattr(self, name) for name in OPTIONS}
        try:
            read = {name: OPTIONS[name](name, option) for name, option in passed.items() if option is not None}
        except BadArgument as error:
            raise BadOption(**error.details) from None
        if missing := [name for name in REQUIRED if passed[name] is None]:
            raise BadOption(name=missing[0], expected="told", value=None)
        return evolve(self, **read)

    def begin(self) -> Lifetime:
        """Open the store, in a way that a forked process can open it again, unless it is in memory."""
        parts, address = self.parts(), absolute(self.url_or_path)
        return Lifetime(parts, evolve(self, url_or_path=address).parts if address else None)

    def parts(self) -> Parts:
        """Open the store, creating it where there is none."""
        settings = self._settings()
        declarations = declarations_of(_ours() if self.projections is None else self.projections)
        store = open_store(
            self.url_or_path,
            lambda log: add_tags(declarations, settings.tags, log),
            timezone=str(self.timezone),
            schema=self.schema,
            strict_ids=settings.strict_ids or False,
            durability=self.durability,
            strict=settings.strict or False,
            policy=settings.privacy,
            default_policy=PrivacyPolicy.of(PRIVACY),
            more=[] if settings.retention is None else [telling(settings.retention)],
            vault_key=settings.vault_key,
            clock=self.clock,
        )
        parts = Parts.of(
            store,
            retention=settings.retention,
            backfill=self.rebuild == "auto",
            on_threshold=self.on_threshold,
        )
        if settings.tags is not None:
            announce_tags(store.recorder, settings.tags)
        return parts

    def _settings(self) -> Settings:
        """Return what the settings file says, but for what was passed, which wins."""
        settings = read_settings(Path(self.settings)) if self.settings else Settings()
        return Settings(
            privacy=settings.privacy if self.privacy is None else PrivacyPolicy.of(self.privacy),
            vault_key=settings.vault_key if self.vault_key is None else Path(self.vault_key),
            retention=settings.retention if self.retention is None else RetentionPolicy.of(self.retention),
            tags=settings.tags if self.tags is None else check_tags(self.tags),
            strict_ids=settings.strict_ids if self.strict_ids is None else self.strict_ids,
            strict=settings.strict if self.strict is None else self.strict,
        )


def _address(name: str, address: Any) -> str:
    said = os.fspath(address) if isinstance(address, os.PathLike) else plain(address)
    if said is not None and (type(said) is not str or said):
        arguments.path(name, said)
    return str(said)


def _zone(name: str, zone: Any) -> str:
    return arguments.text(name, zone.key if isinstance(zone, ZoneInfo) else zone)


def _classes(name: str, projections: Any) -> list[Any]:
    return [projections] if isinstance(projections, type) else list(arguments.several(name, projections))


# How what is passed is read; what is not here says itself what is wrong with it.
OPTIONS: dict[str, arguments.Reader] = {
    "url_or_path": _address,
    "schema": arguments.text,
    "timezone": _zone,
    "projections": _classes,
    "durability": arguments.one_of("commit", "group"),
    "rebuild": arguments.one_of("auto", "manual"),
    "vault_key": arguments.path,
    "settings": arguments.path,
    "strict": arguments.flag,
    "on_threshold": arguments.called,
    "clock": arguments.called,
}
REQUIRED = ("url_or_path", "schema", "timezone", "durability", "rebuild", "clock")


def _ours() -> Sequence[type]:
    """Find the projections that come with it by name: they know this package, it does not know them."""
    module = importlib.import_module(OUR_PROJECTIONS)
    return [getattr(module, name) for name in module.__all__]
