"""HTML as a browser reads it, as far as tests ask: which elements, with which attributes, and what is written."""

from __future__ import annotations

from html.parser import HTMLParser

from attrs import Factory, define

VOID = ("img", "input", "link", "meta", "wbr")  # elements that end where they begin


@define
class Read(HTMLParser):
    """A page that was read.

    elements: by name, with attributes.
    texts: what is written, in order.
    places: in which elements each of these stands, from the outermost.
    """

    elements: list[tuple[str, dict[str, str]]] = Factory(list)
    texts: list[str] = Factory(list)
    places: list[tuple[tuple[str, int], ...]] = Factory(list)
    _open: list[tuple[str, int]] = Factory(list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, html: str) -> Read:
        """Read a page."""
        read = cls()
        read.feed(html)
        read.close()
        return read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and that what follows stands in it."""
        self.elements.append((tag, {name: text or "" for name, text in attrs}))
        if tag not in VOID:
            self._open.append((tag, len(self.elements)))

    def handle_endtag(self, tag: str) -> None:
        """Note that an element ends."""
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Note a text, and where it stands."""
        self.texts.append(data)
        self.places.append(tuple(self._open))

    def inside(self, tag: str, *, without: str = "") -> list[str]:
        """Return what is written in each element of a name, and in none of another."""
        written: dict[int, str] = {}
        for text, place in zip(self.texts, self.places, strict=True):
            if without not in (name for name, _ in place):
                for number in (number for name, number in place if name == tag):
                    written[number] = written.get(number, "") + text
        return [*written.values()]

    def names(self) -> list[str]:
        """Return the names of all elements, and of their attributes."""
        return [name for tag, attributes in self.elements for name in (tag, *attributes)]

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of a name that have these ones."""
        return [has for name, has in self.elements if name == tag and attributes.items() <= has.items()]

    def addresses(self) -> list[str]:
        """Return where its links lead."""
        return [has["href"] for has in self.all("a")]
