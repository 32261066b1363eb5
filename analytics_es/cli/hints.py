"""Commands that are shown to be copied: they name the store that was named."""

from __future__ import annotations

import re
import shlex

import click
from click.core import ParameterSource

STORE = "analytics_es.store"  # in the context of a command: how its store was named
COMMAND = re.compile(r"`(analytics-es [^`]+)`")


def note_store(**options: object) -> None:
    """Note how the store of this command was named: what was typed; what the environment says, it says again."""
    context = click.get_current_context()
    typed = [name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    context.meta[STORE] = "".join(f" --{name} {shlex.quote(str(options[name]))}" for name in typed)


def complete(text: str) -> str:
    """Return a text with its commands as they find the store of the command that is running."""
    context = click.get_current_context(silent=True)
    store = context.meta.get(STORE, "") if context else ""
    return COMMAND.sub(lambda match: f"`{match[1]}{'' if ' --db ' in match[1] else store}`", text)
