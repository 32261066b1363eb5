"""Whatever a text holds, it is a text: no element, no attribute, nothing that steers who shows it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.presentation.html import Links, document, fragment, rendered, rendered_failure
from analytics_es.presentation.question import Question
from tests.hostile_store import NAMES
from tests.presentation.html.examples import worded
from tests.presentation.html.markup import Read

CALM = "a calm name"
_TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("<>\"'&`-\u202e\u2066\x1b\x00\n"), min_size=1)


def links(text: str) -> Links:
    words = {"tz": [text], "where": [f"user={text}"], "as_of": [text], "last": [text], "from": [text]}
    return Links(page="cost", question=Question(words=words))


def all_of_it(text: str) -> str:
    """Return everything that is drawn, with a text in each place that takes one."""
    page = worded(text)
    file = document([page, page], title=text, carried=text, facts=[("Log", text)], checksum="0")
    pages = [rendered(page, links(text)), rendered_failure(text, text, links(text)), file]
    return "\n".join([*pages, fragment(page.parts), fragment(page.parts, links(text))])


def structure(html: str) -> list[str]:
    """Return the elements and attributes, but for those that come with a long name."""
    return [name for name in Read.of(html).names() if name not in ("title", "wbr")]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_makes_no_element_and_no_attribute(name: str) -> None:
    assert structure(all_of_it(name)) == structure(all_of_it(CALM))


@given(_TEXTS)
def test_no_text_makes_an_element_or_an_attribute(text: str) -> None:
    calm, drawn = (structure(rendered(worded(name), links(name))) for name in (CALM, text))

    assert [name for name in drawn if name not in calm] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_this_server(name: str) -> None:
    addresses = Read.of(rendered(worded(name), links(name))).addresses()

    assert [address for address in addresses if not re.match(r"/[a-z]|#main$", address)] == []


@given(_TEXTS)
def test_what_steers_is_shown_and_does_not_steer(text: str) -> None:
    seen = "".join(Read.of(rendered(worded(text), links(text))).texts)

    assert [char for char in seen if not char.isprintable() and char != "\n"] == []
