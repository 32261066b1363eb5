"""People: what an owner of an open store does about those whom its events name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analytics_es.service.prices import Prices
from analytics_es.types import ForgetReceipt, Names, OperationResult, Progress
from analytics_es.types.arguments import reading_arguments


class People(Prices):
    """Forgets subjects, and says who is behind pseudonyms."""

    @reading_arguments
    def forget(
        self,
        subject: str,
        *,
        entity: str = "user",
        fields: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> OperationResult[ForgetReceipt]:
        """Forget a subject: nothing ties it to its pseudonym any more, and where the log names it, it is masked.

        The subject is named as it was recorded; `entity` is what it is, a user or another entity that the policy
        pseudonymises. Masked are the fields that say who somebody is; in `fields`, by path, every occurrence in a text.
        Totals stay. The days of what was masked are derived again. The receipt says where the subject may still be.
        """
        from analytics_es.lifecycle import Erasure

        return self._shown(
            lambda parts: Erasure(parts.store).forget(subject, entity=entity, fields=fields, progress=progress)
        )

    @reading_arguments
    def names_of(self, pseudonyms: str | Iterable[str]) -> OperationResult[Names]:
        """Say who is behind pseudonyms, for who has the vault and its key; nothing is recorded of it.

        The vault holds names, encrypted, of subjects that came while the policy said so (`privacy={"names": True}`;
        extra `names`). Names are in this answer alone: in no read model, export or log.
        """
        wanted = [pseudonyms] if isinstance(pseudonyms, str) else pseudonyms
        return self._result(lambda parts: parts.store.vault.names_of(wanted))

    def forget_names(self) -> OperationResult[int]:
        """Destroy every name that the vault keeps, and say how many there were; pseudonyms and totals stay."""
        return self._result(lambda parts: parts.store.vault.forget_names())
