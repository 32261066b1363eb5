"""Links to a log: what versions before kept beside each of them, where there is now one place for all paths."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from analytics_es.errors import TwoVaults
from analytics_es.log.address import VAULT, VIEWS, beside_link, vault_path
from analytics_es.log.event_log import EventLog

logger = logging.getLogger("analytics_es")

NOTED = "link "  # and its path: where the log was at that time


@frozen
class Links:
    """The links by which a log was opened and beside which there is something, as far as the log was told of them."""

    log: EventLog
    path: Path  # by which it is opened now
    others: tuple[Path, ...]

    @classmethod
    def of(cls, log: EventLog, path: Path) -> Links:
        """Return what a log has noted of links to where it is, and note this path where there is something beside."""
        real, own = os.path.realpath(path), path.absolute()
        noted = {Path(name.removeprefix(NOTED)): place for name, place in log.notes(NOTED).items()}
        others = tuple(link for link, place in noted.items() if place == real and link != own)
        links = cls(log, own, others)
        if noted.get(own) != real and (beside_link(own, VAULT) or beside_link(own, VIEWS)):
            links.vault()
            log.note(f"{NOTED}{own}", real)
        return links

    def _beside(self, word: str) -> Iterator[Path]:
        for link in (self.path, *self.others):
            if beside := beside_link(link, word):
                yield beside

    def vault(self) -> Path:
        """Return the file of the vault: the one that there is, else where one is made. Raises TwoVaults."""
        own = vault_path(self.path)
        vaults = {os.path.realpath(vault): vault for vault in self._beside(VAULT)}
        if own.exists():
            vaults = {os.path.realpath(own): own, **vaults}
        if len(vaults) > 1:
            one, other, *_ = vaults.values()
            raise TwoVaults(log=os.path.realpath(self.path), one=one, other=other)
        return next(iter(vaults.values()), own)

    def strays(self) -> list[Path]:
        """Return read models that nobody uses any more, and tell of them: they hold what the log held then."""
        strays = list(self._beside(VIEWS))
        for stray in strays:
            logger.warning("%s is not used any more: its log is %s. Remove it.", stray, os.path.realpath(self.path))
        return strays
