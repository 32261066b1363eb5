"""--names: the names behind pseudonyms, from the vault to who asks, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from analytics_es.cli.display import Form
from analytics_es.cli.store import Place, existing
from analytics_es.presentation import Block
from analytics_es.types import Names

names_option = click.option(
    "--names",
    is_flag=True,
    help="Show the names behind pseudonyms, as far as the vault keeps them; needs its key.",
)


def named(db: Place, answer: Any, blocks: Iterable[Block], as_json: bool) -> tuple[Any, Iterable[Block]]:
    """Return what is printed with names: an answer as JSON has them beside it, blocks have them in their place."""
    from analytics_es.presentation.names import beside, in_blocks, in_sheets

    def vault(pseudonyms: Sequence[str]) -> Names:
        with existing(db) as store:
            return store.service.names_of(pseudonyms).unwrap()

    if as_json:
        return beside(answer, vault), blocks
    return (in_sheets(answer, vault) if Form.asked().is_sheet else answer), in_blocks(blocks, vault)
