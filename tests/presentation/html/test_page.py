"""A whole page: its bar, its picker, what it stands on, and a failure with a way back."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from syrupy.assertion import SnapshotAssertion

from analytics_es.presentation import Line
from analytics_es.presentation.html import fragment, rendered, rendered_failure, stylesheet
from analytics_es.presentation.pages import KINDS
from analytics_es.types.sentences import sentence
from tests.presentation.html.examples import links, page, parts
from tests.presentation.html.markup import Read
from tests.presentation.html.test_parts import on_lines

STYLE = 12 * 1024  # bytes


def test_what_stands_around_the_parts(snapshot: SnapshotAssertion) -> None:
    html = rendered(page(parts=[]), links("last=24h&by=user&tz=Europe/Berlin"))

    nav = html[html.index("<nav") : html.index("</nav>")]
    assert on_lines(html.replace(nav, "<nav>").replace("analytics_es 0.1.0", "VERSION")) == snapshot


def test_the_bar_leads_to_every_page_and_says_which_one_this_is() -> None:
    read = Read.of(rendered(page(parts=[]), links()))
    bar = {kind.name for kind in KINDS if kind.title}

    assert [way["href"] for way in read.all("a", **{"aria-current": "page"})] == ["/cost?last=7d"]
    assert {f"/{name}?last=7d" for name in bar} <= set(read.addresses())


@pytest.mark.parametrize(
    ("asked", "current"),
    [
        ("", "/cost?last=7d"),
        ("last=7d", "/cost?last=7d"),
        ("last=24h&by=user", "/cost?by=user&last=24h"),
        ("this-month=", "/cost?this-month="),
        ("last-month=", "/cost?last-month="),
    ],
)
def test_the_picker_says_which_period_is_shown(asked: str, current: str) -> None:
    read = Read.of(rendered(page(parts=[]), links(asked)))

    assert [way["href"] for way in read.all("a", **{"aria-current": "true"})] == [current]
    assert read.all("summary") == [{}]


@pytest.mark.parametrize("asked", ["last=3w", "from=2026-11-01", "month=2026-10", "today=", "last=7d&from=2026-11-01"])
def test_any_other_period_is_shown_as_another_one(asked: str) -> None:
    read = Read.of(rendered(page(parts=[]), links(asked)))

    assert (read.all("a", **{"aria-current": "true"}), read.all("summary")) == ([], [{"class": "now"}])


def test_a_picked_period_takes_the_place_of_the_one_before_and_keeps_the_rest() -> None:
    addresses = Read.of(
        rendered(page(parts=[]), links("from=2026-11-01&to=2026-11-03&by=user&tz=UTC&as_of=7"))
    ).addresses()

    assert "/cost?by=user&tz=UTC&as_of=7&last=24h" in addresses
    assert "/cost?by=user&tz=UTC&as_of=7&last-month=" in addresses


def test_the_form_of_periods_asks_in_the_words_of_the_command_line_and_keeps_the_rest() -> None:
    read = Read.of(rendered(page(parts=[]), links("since=2026-11-01&until=2026-11-03&by=user&by=model&where=user=ada")))

    assert [field["name"] for field in [*read.all("select"), *read.all("input", type="text")]] == [
        *("period", "granularity"),
        *("last", "since", "until", "month", "tz", "as_of"),
    ]
    assert [(hidden["name"], hidden["value"]) for hidden in read.all("input", type="hidden")] == [
        ("by", "user"),
        ("by", "model"),
        ("where", "user=ada"),
    ]


def test_a_named_period_is_chosen_in_the_form_so_that_another_zone_keeps_it() -> None:
    read = Read.of(rendered(page(parts=[]), links("last-week=")))

    assert [option["value"] for option in read.all("option") if "selected" in option] == ["last-week", ""]


def test_a_page_of_before_says_so_and_leads_back_to_now() -> None:
    read = Read.of(rendered(page(parts=[]), links("as_of=16998&by=user")))

    assert "position 16,998" in read.texts
    assert "/cost?by=user" in read.addresses()


def test_a_page_of_now_has_no_banner() -> None:
    assert Read.of(rendered(page(parts=[]), links())).all("p", **{"class": "banner"}) == []


def test_a_page_has_one_heading_above_all_and_a_way_past_the_bar() -> None:
    read = Read.of(rendered(page(), links()))

    assert (len(read.all("h1")), read.addresses()[0], read.all("main")[0]["id"]) == (1, "#main", "main")


def test_nothing_on_a_page_is_refused_by_its_policy() -> None:
    """No style in an element, no script in the page, nothing from elsewhere."""
    read = Read.of(rendered(page(), links()))

    assert [name for name in read.names() if name == "style" or name.startswith("on")] == []
    assert read.all("script") == []
    assert [has["href"][:6] for has in read.all("link")] == ["data:i", "/stati"]


# ── failures ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failure_says_what_is_wrong_and_leads_back(snapshot: SnapshotAssertion) -> None:
    html = rendered_failure("This cannot be asked", sentence("'blue' is no length: write `7d`."), links(""))

    assert on_lines(html[html.index("<main") : html.index("<footer")]) == snapshot


def test_a_failure_elsewhere_leads_to_the_first_page() -> None:
    read = Read.of(rendered_failure("Not found", "There is no such page.", links("", page="nowhere", root="/stats")))

    assert read.addresses()[-1] == "/stats/overview"


# ── notebooks, and the style of all ─────────────────────────────────────────────────────────────────────────────


def test_a_piece_for_a_notebook_has_no_style_for_what_is_not_its_own() -> None:
    html = fragment([*parts().values()])
    style = html[html.index("<style>") + 7 : html.index("</style>")]

    assert html.startswith('<div class="aes">')
    assert [rule for rule in _selectors(style) if ".aes" not in rule] == []


def test_the_style_is_small() -> None:
    assert len(stylesheet().encode()) <= STYLE


def _selectors(style: str) -> list[str]:
    """Return what each rule is for; what stands within one is for parts of that."""
    selectors, depth, text = [], 0, ""
    for sign in re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL):
        if sign == "{" and not text.strip().startswith("@media"):
            selectors += [] if depth else [text.strip()]
            depth += 1
        elif sign == "}":
            depth = max(depth - 1, 0)
        text = "" if sign in "{};" else text + sign
    return selectors


@pytest.mark.parametrize("name", ["org--model", "var(--boom)", "--last-7d--", "a--top 3"])
def test_a_name_in_a_sentence_is_told_as_it_is(name: str) -> None:
    html = rendered(page(parts=[Line(sentence("not known of {name}, and of --where", name=name))]), links())

    assert f"not known of {name}, and of where" in html


def test_a_sentence_links_no_word_that_its_page_does_not_know() -> None:
    html = rendered(
        page(parts=[Line(sentence("say --top {rows} or --last 4w", rows=3))]), evolve(links(), page="overview")
    )

    assert 'say top=3 or <a href="/overview?last=4w">last=4w</a>' in html
