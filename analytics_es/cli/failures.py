"""How a command ends: 0 done, 1 a failure told in one line, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from analytics_es.cli.hints import complete
from analytics_es.errors import AnalyticsError, BadWord


class Failed(click.ClickException):
    """An end that was to be expected: one line on standard error."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        from analytics_es.presentation.words import safe

        click.echo(safe(self.message), file=file, err=True)


class Interrupted(Failed):
    """Stopped from the keyboard; what was recorded by then is durable."""

    exit_code = 130


@contextmanager
def _safely() -> Iterator[None]:
    try:
        yield
    except BadWord as error:
        from analytics_es.presentation.words import safe

        raise click.UsageError(safe(str(error))) from error
    except click.UsageError as error:
        from analytics_es.presentation.words import safe

        error.message = safe(error.message)  # type: ignore[misc]  # final to click, which prints it as it is
        raise
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # click ends quietly when nobody reads on
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        _let_go_of_output()
        raise Failed(f"error: {problem}") from error


def _end() -> None:
    """Let nobody look for cycles: all that is left goes with the process. An engine would list what is left of it."""
    if "duckdb" not in sys.modules:
        gc.freeze()


def _let_go_of_output() -> None:
    """Drop what cannot be written to standard output, as on a full disk: Python would try again as it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Group(click.Group):
    """A group of commands that end as this module says."""

    _is_program = False  # whether the process is for this alone

    def __call__(self, *arguments: Any, **extra: Any) -> Any:
        """Be the program of a process, unless that goes on."""
        self._is_program = bool(extra.get("standalone_mode", True))
        if self._is_program:
            atexit.register(_end)
        return super().__call__(*arguments, **extra)

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Read the arguments; what was wrong with them is told without anything that could steer a terminal."""
        with _safely():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a deliberate error becomes a line, any other is a bug and stays a traceback."""
        if self._is_program:
            from analytics_es.process.cycles import relax  # who asks for help alone imports nothing

            relax()  # imports and answers have next to no cycles
        try:
            with _safely():
                return super().invoke(ctx)
        except AnalyticsError as error:
            from analytics_es.types.sentences import of_error

            raise Failed(f"error: {complete(of_error(error))}") from error
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None
