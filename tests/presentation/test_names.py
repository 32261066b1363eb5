"""Names on a page: in every text that it shows, and in no address and nothing that is stored."""

from __future__ import annotations

from collections.abc import Sequence

from analytics_es.presentation import Column, Grid, Line
from analytics_es.presentation.blocks import Behind
from analytics_es.presentation.names import on_page
from analytics_es.presentation.parts import Choice, Choices, Code, Link, Meter, Meters, Page, Section, Tile, Tiles
from analytics_es.types import Names
from analytics_es.types.privacy import SubjectName
from analytics_es.types.sentences import sentence

ADA = "p_0000000000000001"
BEHIND = Behind(metric="cost.cost", where={"user": ADA})
GRID: Grid[str] = Grid(title=f"Of {ADA}", columns=[Column("who", str, behind=lambda _: BEHIND)], rows=[ADA])
PAGE = Page(
    name="cost",
    title=f"Cost of {ADA}",
    sub="a week",
    parts=[
        Section(title=f"{ADA}", parts=[GRID, Line(ADA)], more=Link(text=ADA, words={"where": f"user={ADA}"})),
        Tiles([Tile(label=ADA, figure="1", behind=BEHIND, exact=ADA)]),
        Meters([Meter(name=ADA, figure="1", part=0.5)]),
        Choices([Choice(name="id", label="who", options={ADA: ADA}, chosen=[ADA])]),
        Code(ADA),
    ],
    answers={"cost": ADA},
    foot=[ADA],
)


def vault(pseudonyms: Sequence[str]) -> Names:
    assert pseudonyms == [ADA]
    return Names(subjects=[SubjectName(pseudonym=ADA, name="Ada", state="named")])


def test_every_text_has_the_name_and_addresses_and_what_is_stored_have_the_pseudonym() -> None:
    named = on_page(PAGE, vault)
    section, tiles, meters, choices, code = named.parts
    (grid, line), (tile,), (meter,), (choice,) = section.parts, tiles.tiles, meters.meters, choices.choices  # type: ignore[union-attr]

    shown = [named.title, section.title, grid.title, grid.columns[0].cell(ADA), line.text, section.more.text]  # type: ignore[union-attr]
    shown += [tile.label, meter.name, choice.options[ADA], named.foot[0]]
    assert shown == ["Cost of Ada", "Ada", "Of Ada", *["Ada"] * 7]
    assert section.more.words == {"where": f"user={ADA}"}  # type: ignore[union-attr]
    assert (grid.columns[0].behind(ADA), tile.behind, tile.exact) == (BEHIND, BEHIND, ADA)  # type: ignore[union-attr]
    assert (choice.chosen, code, named.answers) == ([ADA], Code(ADA), {"cost": ADA})
    assert named.sub == "a week · with names from the vault"


def test_it_is_said_how_many_have_no_name() -> None:
    def forgetful(pseudonyms: Sequence[str]) -> Names:
        return Names(subjects=[SubjectName(pseudonym=ADA, name=None, state="unknown")])

    assert on_page(PAGE, forgetful).foot == [
        ADA,
        "1 pseudonym that the vault does not know: forgotten, or of another",
    ]


def test_a_name_is_never_part_of_a_command() -> None:
    told = sentence("of {who}: `analytics-es usage user {who}`", who=ADA)
    page = Page(name="cost", title="Cost", parts=[Line(told)], answers={})

    (line,) = on_page(page, vault).parts
    assert line == Line(f"of Ada: `analytics-es usage user {ADA}`")


def test_where_nobody_is_named_the_vault_is_not_asked() -> None:
    page = Page(name="cost", title="Cost", parts=[Line("nobody")], answers={})

    assert on_page(page, lambda _: 1 / 0).title == "Cost"  # type: ignore[arg-type,return-value]
