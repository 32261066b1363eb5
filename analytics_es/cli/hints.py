"""Commands that are shown to be copied: they name the store that was named, and ask about what was asked about."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import click
from click.core import ParameterSource

STORE = "analytics_es.store"  # in the context of a command: how its store was named
ASKED = "analytics_es.asked"  # and what it is about: options with their texts, by parameter
COMMAND = re.compile(r"`(analytics-es [^`]+)`")


def note_store(own: Collection[str] = (), **options: object) -> None:
    """Note how the store of this command was named: what was typed, and what is its own default, not everybody's.

    What the environment says, it says again.
    """
    context = click.get_current_context()
    typed = (name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    named = {*typed, *own}
    context.meta[STORE] = "".join(f" --{name} {shlex.quote(str(options[name]))}" for name in options if name in named)


def note_asked(names: Collection[str]) -> None:
    """Note which of these options of this command were typed: the period, its zone, as of when."""
    context = click.get_current_context()
    context.meta[ASKED] = {
        option.name: f" {option.opts[0]}{_text(option.name, context.params[option.name])}"
        for option in context.command.params
        if option.name in names and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    }


def _text(name: str, value: Any) -> str:
    if value is True:
        return ""
    if isinstance(value, datetime):
        is_day = name != "until" and value.tzinfo is None and value == datetime.combine(value, datetime.min.time())
        return f" {value:%Y-%m-%d}" if is_day else f" {value.isoformat()}"
    return f" {shlex.quote(str(value))}"


def complete(text: str) -> str:
    """Return a sentence with its commands as they find the store of the command that runs, and what it is about.

    What looks like a command in any other text may be the name of something, and stays.
    """
    from analytics_es.types.sentences import Sentence  # who asks for help alone imports no types

    context = click.get_current_context(silent=True)
    if context is None or not isinstance(text, Sentence):
        return text
    return text.reworded(lambda own: COMMAND.sub(lambda match: f"`{_completed(context, match[1])}`", own))


def _completed(context: click.Context, command: str) -> str:
    """Return a command, as the own words of a sentence have it, with more options."""
    from analytics_es.types.sentences import as_own_words

    asked: Mapping[str, str] = context.meta.get(ASKED, {})
    taken = _parameters(context, command) if asked else ()
    about = "".join(option for name, option in asked.items() if name in taken)
    return f"{command}{as_own_words(about)}{'' if ' --db ' in command else as_own_words(context.meta.get(STORE, ''))}"


def _parameters(context: click.Context, command: str) -> list[str | None]:
    """Return the parameters of a command that is shown."""
    shown: click.Command | None = context.find_root().command
    for word in shlex.split(command)[1:]:
        if not isinstance(shown, click.Group):
            break
        shown = shown.get_command(context, word)
    return [parameter.name for parameter in shown.params] if shown else []
