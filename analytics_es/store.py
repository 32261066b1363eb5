"""An open store as one value, and how it is opened: files side by side, memory, or one schema of a database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import evolve, frozen

from analytics_es.errors import DamagedReadModels, LogBehind, MissingExtra, MissingProjection, NoGroups, UnknownTimezone
from analytics_es.events.fields import TAG, named_by
from analytics_es.ingest import PrivacyPolicy
from analytics_es.ingest.door import DeclaredFields, Door
from analytics_es.ingest.in_force import PRIVACY, InForce, Telling
from analytics_es.ingest.privacy import kind_of
from analytics_es.ingest.recorder import Recorder
from analytics_es.ingest.unread import Watch
from analytics_es.ingest.vault import KEY_BYTES, Vault, key_of
from analytics_es.log import EventLog, absolute, log_path, on_server, unfinished
from analytics_es.log.address import read_models_path
from analytics_es.log.event_log import Durability
from analytics_es.log.links import Links
from analytics_es.log.sqlite import SQLiteLog
from analytics_es.log.sqlite.vault import SQLiteEntries
from analytics_es.log.strict import StrictIds
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold
from analytics_es.projection.reading import own_fields
from analytics_es.read_models import ReadModels, Seeds, Tiling, aside, beside
from analytics_es.read_models.catch_up import Runner
from analytics_es.read_models.seeds import sealed_until
from analytics_es.read_models.sources import LogSource, ReplaySource
from analytics_es.read_models.sqlite import SQLiteReadModels
from analytics_es.types import AggregationResult, Progress, RebuildResult, TimePeriod
from analytics_es.types.defaults import SCHEMA

Declared = Callable[[EventLog], Sequence[Declaration]]


@frozen(kw_only=True, eq=False)
class Store:
    """The parts of an open store, handed as one to whatever works on several of them."""

    log: EventLog
    read_models: ReadModels
    calendar: Calendar  # where hours and days begin
    fold: Fold  # of the projections that are declared
    runner: Runner  # brings the read models up to the log's head
    recorder: Recorder  # what is recorded passes its door; what the service itself has to say does not
    replay_source: LogSource  # the log, as other processes can open it too
    vault: Vault
    clock: Callable[[], datetime]
    strays: Sequence[Path] = ()  # files that versions before had beside links to the log, and nobody uses any more

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy of privacy that this process goes by now."""
        return self.recorder.door.policy

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """The projections that are declared; a live read model may be of an older definition."""
        return tuple(self.read_models.declarations.values())

    def selected(self, names: Sequence[str] | None) -> list[str]:
        """Return the named projections in their order, of None all; raises MissingProjection."""
        declared = self.read_models.declarations
        for name in names or ():
            if name not in declared:
                raise MissingProjection(projection=name)
        return [name for name in declared if names is None or name in names]

    def known_as(self, entity: str, value: str) -> str:
        """Return the name under which the log knows an entity: its pseudonym, where it has one."""
        if not self.policy.pseudonymises(entity):
            return value
        return self.vault.known_as(kind_of(".".join(named_by(entity))), value)

    def derive_again(self, period: TimePeriod, names: Sequence[str] | None = None) -> AggregationResult:
        """Derive the hours of a period, and the days they lie in, from the log and swap them in, beside a follower.

        Beside nobody who rebuilds, seals or forgets: raises RebuildRunning.
        """
        with self.read_models.rebuilding():
            return self.derive_alone(period, names)

    def derive_alone(self, period: TimePeriod, names: Sequence[str] | None = None) -> AggregationResult:
        """Do the same; only for who is `rebuilding`."""
        from analytics_es.read_models.aggregation import run_aggregation

        tiling = Tiling.of(self.calendar, period)
        return run_aggregation(self.log, self.read_models, self.fold, tiling, period, names)

    def rebuild(
        self,
        names: Sequence[str],
        progress: Progress | None = None,
        *,
        set_aside: bool = True,
        source: ReplaySource | None = None,
        seeds: Seeds | None = None,
        patience: float | None = None,
        **replay: Any,
    ) -> RebuildResult:
        """Derive read models again from the whole log, or another `source`, beside the live ones, and swap them in.

        They begin with the rows of sealed events, or with other `seeds`. `replay` says how: see `replaying`.
        """
        from analytics_es.read_models.rebuild import rebuild
        from analytics_es.read_models.replay import replaying

        result = rebuild(
            self.log,
            self.read_models,
            names,
            lambda beside: replaying(source or self.replay_source, beside, self.calendar, **replay),
            set_aside=set_aside,
            seeds=seeds,
            progress=progress,
            patience=patience,
        )
        return result if source else evolve(result, sealed_until=sealed_until(self.log, self.calendar))

    def close(self) -> None:
        """Stop following and close everything; what was recorded is durable already."""
        with ExitStack() as closing:  # the last first, whatever one of them raises
            for part in (self.log, self.vault, self.read_models, self.fold, self.runner):
                closing.callback(part.close)


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────────────────


def open_store(
    url_or_path: str | Path,
    declared: Declared,
    *,
    timezone: str,
    schema: str = SCHEMA,
    strict_ids: StrictIds = False,
    durability: Durability = "commit",
    strict: bool = False,
    policy: PrivacyPolicy | None = None,
    default_policy: PrivacyPolicy,
    more: Sequence[Telling] = (),
    vault_key: Path | None = None,
    clock: Callable[[], datetime],
) -> Store:
    """Open a store, creating what is not there; raises UnknownTimezone and CannotOpen.

    `declared` says what its read models are, which the log may have been told of. Without a `policy` of privacy it is
    the one that the log tells of, or, where that tells of none, the default. `more` is what else the log is to be told.
    """
    try:
        calendar = Calendar(timezone)
    except ValueError:
        raise UnknownTimezone(name=timezone) from None
    if on_server(url_or_path):
        log, read_models = _open_schema(str(url_or_path), schema, declared, timezone, strict_ids, durability)
    elif durability == "group":
        raise NoGroups(place=log_path(url_or_path) or "a store in memory")
    else:
        log, read_models = _open_files(log_path(url_or_path), declared, timezone, strict_ids)
    in_force = policy or _taken_over(log, read_models) or default_policy
    try:
        vault = open_vault(url_or_path, log, vault_key, keeps_names=policy is not None and policy.names)
    except BaseException:
        read_models.close()
        log.close()
        raise
    vault.go_by(in_force)
    fold = Fold(tuple(read_models.declarations.values()), calendar)
    runner = Runner(log, read_models, fold, clock=clock)
    address = absolute(url_or_path)
    watch = Watch(tuple(read_models.declarations.values()), strict)
    going_by = InForce(log=log, said=policy is not None, on_policy=vault.go_by, more=more)
    door = Door(clock, in_force, vault.pseudonym, zone=calendar.zone, watch=watch, declared=_declared(read_models))
    return Store(
        log=log,
        read_models=read_models,
        calendar=calendar,
        fold=fold,
        runner=runner,
        recorder=Recorder(log, door, runner.wake, going_by),
        replay_source=LogSource(log, (open_log, (address, schema)) if address else None),
        vault=vault,
        clock=clock,
        strays=Links.of(log, path).strays() if (path := _file_of(url_or_path)) else (),
    )


def _declared(read_models: ReadModels) -> DeclaredFields:
    """Return the tags that are declared, and your own fields that projections read."""
    declarations = read_models.declarations.values()
    tags = {f"{TAG}{tag}" for declaration in declarations for tag in declaration.tags}
    read = {field for declaration in declarations for field in own_fields(declaration)}
    return tuple(sorted(tags)), tuple(sorted(read))


def _file_of(url_or_path: str | Path) -> Path | None:
    return None if on_server(url_or_path) else log_path(url_or_path)


def _taken_over(log: EventLog, read_models: ReadModels) -> PrivacyPolicy | None:
    """Return the policy that the log tells of; both are closed where that cannot be read."""
    try:
        return PRIVACY.of(log)
    except BaseException:
        read_models.close()
        log.close()
        raise


def _open_files(
    path: Path | None, declared: Declared, timezone: str, strict_ids: StrictIds
) -> tuple[EventLog, ReadModels]:
    place = read_models_path(path) if path else None
    if path and place:
        SQLiteLog.check(path)
        if not _is_there(path):
            SQLiteReadModels.check(place)  # beside a log that is there, what is no read model is moved aside
            _check_left(path, place, lambda: _is_there(path))
    log = SQLiteLog(path, strict_ids=strict_ids)

    def opened() -> ReadModels:
        if path and place and not log.head():
            _check_left(path, place, lambda: bool(log.head()))
        return SQLiteReadModels(place, declared(log), log=log.identity, timezone=timezone, seeds=Seeds(log))

    return log, _ready(log, path, f"move {place} away", opened)


def _is_there(log: Path) -> bool:
    return log.is_file() and log.stat().st_size > 0


def _check_left(log: Path, place: Path, is_used: Callable[[], bool]) -> None:
    """Raise LogBehind where a log is to begin beside read models with figures; unless others have just begun it."""
    position = max(aside.reached(place).values(), default=0)
    if position and not is_used():
        ends = "is empty" if log.exists() else "is not there"
        raise LogBehind(path=log, ends=ends, read_models=place, position=position, instead=f"move {place} away")


def _open_schema(
    url: str, schema: str, declared: Declared, timezone: str, strict_ids: StrictIds, durability: Durability
) -> tuple[EventLog, ReadModels]:
    postgres = _postgres()
    from analytics_es.read_models.postgres import PostgresReadModels

    database = postgres.Database(url, schema)
    try:
        log = database.again(lambda: postgres.PostgresLog(database, strict_ids=strict_ids, durability=durability))
    except BaseException:
        database.close()
        raise
    return log, _ready(
        log,
        database.place,
        f"delete every row of {schema}.registry",
        lambda: database.again(
            lambda: PostgresReadModels(database, declared(log), log=log.identity, timezone=timezone, seeds=Seeds(log))
        ),
    )


def _ready(log: EventLog, place: object, instead: str, opened: Callable[[], ReadModels]) -> ReadModels:
    """Open read models and bring them in line with their log, which is closed where that fails; raises LogBehind.

    `place` is that of the log, and `instead` what to do to go on with a log that is behind its read models.
    """
    try:
        read_models = opened()
        unfinished.sweep(log)
        try:
            _bring_in_line(read_models, log, place, instead)
        except DamagedReadModels:  # moved aside by now: they begin anew
            _bring_in_line(read_models, log, place, instead)
    except BaseException:
        log.close()
        raise
    return read_models


def _bring_in_line(read_models: ReadModels, log: EventLog, place: object, instead: str) -> None:
    if position := read_models.beyond(log.head):
        ends, read = f"ends at position {log.head()}", read_models.place
        raise LogBehind(path=place, ends=ends, read_models=read, position=position, instead=instead)
    beside.settle(read_models)
    beside.tidy(read_models)


def open_log(url_or_path: str | Path, schema: str = SCHEMA) -> EventLog:
    """Open the log of a store that is there, and nothing else; raises CannotOpen."""
    if not on_server(url_or_path):
        return SQLiteLog(log_path(url_or_path))
    postgres = _postgres()
    log: EventLog = postgres.PostgresLog(postgres.Database(str(url_or_path), schema))
    return log


def open_vault(url_or_path: str | Path, log: EventLog, key: Path | None = None, *, keeps_names: bool = False) -> Vault:
    """Return the vault of a store that is open; its file and, unless given, its key are made when they are needed.

    `key` is the file of its key. In PostgreSQL the vault is in the log's schema, and its key is never beside it.
    """
    if on_server(url_or_path):
        entries = _postgres().PostgresEntries(log.database)  # type: ignore[attr-defined]  # it is a PostgresLog
        return Vault(lambda _: entries, key_of(key, None, entries.place), keeps_names=keeps_names)
    path = log_path(url_or_path)
    if path is None:
        secret = secrets.token_bytes(KEY_BYTES)
        return Vault(lambda _: SQLiteEntries(None), lambda _: secret, keeps_names=keeps_names)
    file = Links.of(log, path).vault()
    return Vault(
        lambda make: SQLiteEntries(file) if make or file.exists() else None,
        key_of(key, file.with_suffix(".key"), file),
        keeps_names=keeps_names,
    )


def _postgres() -> ModuleType:
    """Import what only PostgreSQL needs."""
    try:
        from analytics_es.log import postgres
    except ModuleNotFoundError as error:
        if str(error.name).startswith("analytics_es"):
            raise
        raise MissingExtra(package=error.name, extra="postgres") from None
    return postgres


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────


def exists(url_or_path: str | Path, *, schema: str = SCHEMA) -> bool:
    """Say whether there is a store; raises CannotOpen where that cannot be told, or where its log alone is gone."""
    if on_server(url_or_path):
        postgres = _postgres()
        with closing(postgres.Database(str(url_or_path), schema)) as database:
            return bool(postgres.migrations.version(database))
    path = log_path(url_or_path)
    if path and not _is_there(path):
        _check_left(path, read_models_path(path), lambda: _is_there(path))
        return False
    return path is not None
