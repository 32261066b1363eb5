"""Where the entries of a vault are kept: beside the log, in its own database."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Entries(ABC):
    """Where the entries of one vault are: digest → pseudonym. None of it tells who somebody is."""

    place: object  # where that is, for people

    @abstractmethod
    def find(self, digest: bytes) -> str | None:
        """Return the pseudonym of a digest, None where there is none."""

    @abstractmethod
    def add(self, digest: bytes, pseudonym: str) -> str:
        """Give a digest a pseudonym, durably, unless it has one; returns the one it has."""

    @abstractmethod
    def destroy(self, digest: bytes) -> bool:
        """Remove an entry, durably, and move on the generation; False where there was none."""

    @abstractmethod
    def scrub(self) -> list[str]:
        """Overwrite what was removed; says in words what of it remains somewhere."""

    @abstractmethod
    def generation(self) -> int:
        """Return how many times an entry was destroyed."""

    @abstractmethod
    def check_value(self, mine: str | None = None) -> str | None:
        """Return the check value of the key the vault was made with, which is `mine` where there was none."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""
