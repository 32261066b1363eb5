"""Names that look like commands, options and remarks are names: on every page, in the file, in the notebook."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import UnknownModel
from analytics_es.presentation.blocks import Line
from analytics_es.presentation.html import Links, rendered, rendered_failure
from analytics_es.presentation.html.texts import plain
from analytics_es.presentation.report import report_bytes
from analytics_es.types.sentences import of_error, sentence
from tests.hostile_store import NAMES, NOW, PERIOD, SET_BACK
from tests.presentation.html.examples import links, page
from tests.presentation.html.markup import Read
from tests.presentation.pages.asking import asked

COMMAND, _, OPTION, GROUPING, REMARK = NAMES[-5:]
LOOKS_LIKE = ("rm -rf", "analytics-es demo", "last 4w", "last=4w", "--by user", "by=user", "and 3 more")
ADDRESSES = [
    "overview?",
    "cost?",
    f"cost?where={quote(f'model=model {COMMAND}')}&by=user&",
    f"cost?where={quote(f'model={COMMAND} --last 4w')}&",
    "usage?entity=user&",
    f"usage?entity=agent&id={quote(REMARK)}&",
    f"usage?entity=agent&id={quote(f'nobody {COMMAND} --last 4w')}&",
    "performance?",
    f"performance?operation=tool.call&subject={quote(f'tool {OPTION}')}&",
    "budgets?",
    f"budgets?budget={quote(f'budget {COMMAND}')}&",
    f"budgets?budget={quote(f'none {COMMAND}')}&",
    "events?metric=cost.cost&",
    f"events?metric=usage.events&where={quote(f'user=u {COMMAND} --last 4w')}&",
    "summary?metric=usage.events&by=model&",
    "projections?",
]


def drawn(service: AnalyticsService, address: str) -> str:
    made, asking = asked(service, address)
    return rendered(made, Links(page=made.name, question=asking.question))


@pytest.mark.parametrize("address", ADDRESSES)
def test_on_no_page_is_a_name_a_command_or_a_link_to_something_else(hard: AnalyticsService, address: str) -> None:
    html = Read.of(drawn(hard, address + PERIOD))
    names = {name for name in NAMES if any(name in text for text in html.inside("main"))}

    assert names or "none" in address or "nobody" in address or "projections" in address
    assert [code for code in html.inside("code", without="pre") if any(part in code for part in LOOKS_LIKE)] == []
    ours = [text for text in html.inside("a") if any(part in text for part in LOOKS_LIKE)]
    assert [text for text in ours if text != "last=4w" and not any(name in text for name in NAMES)] == []
    assert ours.count("last=4w") == sum(text.count("such as last=4w") for text in html.inside("p"))


def test_in_a_file_no_name_is_a_command(hard: AnalyticsService) -> None:
    period = TimePeriod(SET_BACK, NOW, "day")
    html = Read.of(report_bytes(hard, period, pages=["overview", "budgets"]).unwrap().decode())

    assert [name for name in (COMMAND, OPTION, GROUPING, REMARK) if name not in "".join(html.texts)] == []
    assert [code for code in html.inside("code", without="pre") if any(part in code for part in LOOKS_LIKE)] == []


def test_in_a_notebook_no_name_is_a_command_and_none_is_reworded(hard: AnalyticsService) -> None:
    html = Read.of(hard.get_budgets(at=NOW).unwrap()._repr_html_())
    lines = [line for line in html.inside("p") if "of unknown cost" in line]

    names = (COMMAND, OPTION, GROUPING, REMARK)
    assert [name for name in names if not any(line.startswith(f"budget {name}: ") for line in lines)] == []
    assert [code for code in html.inside("code") if any(part in code for part in LOOKS_LIKE)] == []


def test_in_a_failure_a_name_is_no_command() -> None:
    html = Read.of(rendered_failure("No", of_error(UnknownModel(model=COMMAND, of="", hint="")), links()))

    assert html.inside("code") == ["analytics-es prices import"]
    assert f"There is no price for '{COMMAND}'." in "".join(html.texts)


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────


NAME = st.text(st.characters(codec="utf-8") | st.sampled_from("`-{}<&"), min_size=1) | st.sampled_from(NAMES)


def read(text: str) -> Read:
    """Return a text as it is drawn."""
    html = rendered(page(parts=[Line(text)], foot=[]), links())
    return Read.of(html[html.index('<p class="sub"') : html.index("</main>")])


@given(NAME, NAME)
def test_own_words_are_commands_and_links_and_what_is_put_into_them_is_text(name: str, other: str) -> None:
    html = read(sentence("no {0}: `say {1}`, {0!r} --top {2}, (--by) or --last 4w of {1}", name, other, 3))
    shown, said = plain(name), plain(other)

    assert html.inside("code") == [f"say {said}"]
    assert html.inside("a") == ["top=3", "last=4w"]
    assert html.inside("p")[-1] == f"no {shown}: say {said}, {plain(repr(name))} top=3, (by) or last=4w of {said}"


@given(NAME)
def test_a_text_that_is_no_sentence_has_no_commands_and_no_links(name: str) -> None:
    html = read(f"`say` --last 4w{name}")

    assert (html.inside("code"), html.inside("a")) == ([], [])
    assert html.inside("p")[-1] == plain(f"`say` --last 4w{name}".strip())
