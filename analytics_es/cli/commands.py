"""Commands by name and purpose: each is imported from the module of its name when it is used first."""

from __future__ import annotations

import importlib
import keyword
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import click

from analytics_es.cli.failures import Group


class Commands(MutableMapping[str, click.Command]):
    """The commands of a group, of which only those that are used are imported."""

    def __init__(self, purposes: Mapping[str, str], package: str) -> None:
        self.purposes = purposes
        self._package = package
        self._imported: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._imported and name in self.purposes:
            word = name.replace("-", "_")
            word = f"{word}_" if keyword.iskeyword(word) else word
            self._imported[name] = getattr(importlib.import_module(f"{self._package}.{word}"), word)
        return self._imported[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._imported[name] = command

    def __delitem__(self, name: str) -> None:
        del self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.purposes, **self._imported})

    def __len__(self) -> int:
        return len({**self.purposes, **self._imported})


class LazyGroup(Group):
    """A group that lists its commands without importing them.

    `purposes` are the first sentences of their help, by name; commands that are added to it are listed, too.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        purposes: Mapping[str, str],
        package: str = "analytics_es.cli",
        **settings: Any,
    ) -> None:
        super().__init__(name, commands=Commands(purposes, package), **settings)
        self.purposes = purposes

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands, by name, with their purposes."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._purpose(name)) for name in self.list_commands(ctx)])

    def _purpose(self, name: str) -> str:
        return self.purposes.get(name) or self.commands[name].get_short_help_str(limit=1000)
