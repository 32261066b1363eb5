"""Who is behind pseudonyms."""

from __future__ import annotations

from attrs import Factory, frozen


@frozen(kw_only=True)
class Names:
    """Who is behind pseudonyms, as the vault says: for who has its key, and for nobody's log.

    names: the name of each pseudonym that has one, by the pseudonym.
    unnamed: pseudonyms of the vault without a name: they were made while names were not kept.
    unknown: what the vault does not know: it was forgotten, is of another vault, or is no pseudonym.
    """

    names: dict[str, str] = Factory(dict)
    unnamed: list[str] = Factory(list)
    unknown: list[str] = Factory(list)
