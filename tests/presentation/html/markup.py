"""HTML as a browser reads it, as far as tests ask: which elements, with which attributes, and what is written."""

from __future__ import annotations

from html.parser import HTMLParser

from attrs import Factory, define


@define
class Read(HTMLParser):
    """A page that was read.

    elements: by name, with attributes.
    texts: what is written, in order.
    """

    elements: list[tuple[str, dict[str, str]]] = Factory(list)
    texts: list[str] = Factory(list)

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
        """Note an element."""
        self.elements.append((tag, {name: text or "" for name, text in attrs}))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    def names(self) -> list[str]:
        """Return the names of all elements, and of their attributes."""
        return [name for tag, attributes in self.elements for name in (tag, *attributes)]

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of a name that have these ones."""
        return [has for name, has in self.elements if name == tag and attributes.items() <= has.items()]

    def addresses(self) -> list[str]:
        """Return where its links lead."""
        return [has["href"] for has in self.all("a")]
