"""What names a page of the guide gives its address: who installed the package has no docs/ beside it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import click
import pytest

from analytics_es import errors
from analytics_es.cli import main
from analytics_es.errors import GUIDE

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES = sorted([*(ROOT / "analytics_es").rglob("*.py"), *(ROOT / "projections").rglob("*.py")])
OURS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AnalyticsError)]

BARE = re.compile(r"(?<![\w/{}-])docs/|\b(?:README|CHANGELOG)\b")
PAGE = re.compile(r"(?:\{guide\}|\{GUIDE\}|" + re.escape(GUIDE) + r")/([\w.-]+)")


def texts(path: Path) -> list[str]:
    """Return every text of a module, and its docstrings; of an f-string, its source."""
    source = path.read_text()
    tree = ast.parse(source)
    pieces = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    joined = [ast.get_source_segment(source, node) or "" for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return [*pieces, *joined]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_names_a_file_of_the_repository_without_its_address(path: Path) -> None:
    said = texts(path)
    pages = {page.rstrip(".") for text in said for page in PAGE.findall(text)}

    assert [text for text in said if BARE.search(text)] == []
    assert [page for page in pages if not (ROOT / "docs" / page).exists()] == []


@pytest.mark.parametrize("kind", [kind for kind in OURS if "{guide}" in (kind.__doc__ or "")])
def test_a_message_has_the_address_of_the_page_it_names(kind: type[errors.AnalyticsError]) -> None:
    details = dict.fromkeys(re.findall(r"\{(\w+)", kind.__doc__ or ""), "…")
    details.pop("guide")

    assert f"{GUIDE}/" in str(kind(**details))


def test_no_help_of_a_command_names_a_file_of_the_repository() -> None:
    def helps(command: click.Command) -> list[str]:
        below = command.commands.values() if isinstance(command, click.Group) else ()
        own = [command.help or "", *(getattr(option, "help", None) or "" for option in command.params)]
        return own + [text for inner in below for text in helps(inner)]

    assert [text for text in helps(main) if BARE.search(text)] == []


def test_the_project_is_in_one_place() -> None:
    urls = PROJECT["project"]["urls"]
    substitutions = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    repository = urls["Homepage"].removeprefix("https://github.com/")

    assert list(urls) == ["Homepage", "Documentation", "Source", "Changelog", "Issues"]
    assert f"{urls['Homepage']}/blob/main/docs" == GUIDE
    assert {url for url in urls.values() if not url.startswith(urls["Homepage"])} == set()
    assert [repository in substitution["replacement"] for substitution in substitutions] == [True, True]
