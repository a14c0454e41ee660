"""HTML as values: text that comes in is always escaped, and only `Html` passes through as it is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import pandas as pd

DASH: Final = "–"
"""Stands where a number is not defined; the reason stands beside it."""

_VOID: Final = frozenset({"meta"})


@dataclass(frozen=True)
class Html:
    """Text that is markup already. Made only from escaped text or from constants of this package."""

    text: str


Content: TypeAlias = Html | str


def escaped(content: Content) -> str:
    """Return `content` ready for a page; a plain string loses every power to be markup.

    >>> escaped("<b>")
    '&lt;b&gt;'
    """
    return content.text if isinstance(content, Html) else html.escape(content, quote=True)


def join(contents: Iterable[Content]) -> Html:
    """Return the contents one after the other."""
    return Html("".join(escaped(content) for content in contents))


def element(name: str, /, *contents: Content, **attributes: str) -> Html:
    """Return one element; `class_` gives `class`, and `aria_label` gives `aria-label`.

    >>> element("p", "a < b", class_="note").text
    '<p class="note">a &lt; b</p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value, quote=True)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Html(f"<{name}{given}/>")
    return Html(f"<{name}{given}>{join(contents).text}</{name}>")


def muted(text: Content) -> Html:
    """Return text that steps back: reasons, notes, units."""
    return element("span", text, class_="muted")


def undefined(reason: str | None = None) -> Html:
    """Return the dash, and beside it why there is no number."""
    return join([DASH, element("span", reason, class_="reason")]) if reason else Html(DASH)


def definition(label: str, note: str = "") -> Html:
    """Return a label with its explanation under it."""
    return join(
        [element("span", label, class_="label"), element("span", note, class_="note") if note else ""]
    )


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand right-aligned."""

    title: str
    numeric: bool = False
    extra_class: str = ""

    def cell(self, content: Content, name: str = "td") -> Html:
        """Return one cell of this column."""
        names = " ".join(filter(None, ("number" if self.numeric else "", self.extra_class)))
        classes = {"class_": names} if names else {}
        scope = {"scope": "col"} if name == "th" else {}
        return element(name, content, **classes, **scope)


def table(columns: Sequence[Column], rows: Iterable[Sequence[Content]]) -> Html:
    """Return a table that scrolls sideways by itself on a narrow screen."""
    head = element("tr", *(column.cell(column.title, "th") for column in columns))
    body = [
        element("tr", *(column.cell(cell) for column, cell in zip(columns, row, strict=True))) for row in rows
    ]
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, class_="scroll")


def anchor(title: str) -> str:
    """Return the name under which a link on the page finds the part of this title.

    >>> anchor("What the model rests on")
    'what-the-model-rests-on'
    """
    return "-".join("".join(sign if sign.isalnum() else " " for sign in title.lower()).split())


def section(title: str, *contents: Content, level: int = 2) -> Html:
    """Return one part of a page under its heading; parts of level 2 can be linked to."""
    name = {"id": anchor(title)} if level == 2 else {}
    return element("section", element(f"h{level}", title), *contents, **name)


def beside(*contents: Content) -> Html:
    """Return two or three parts side by side; on a narrow screen one under the other.

    The number of columns is fixed before the first part is there: a chart is drawn as wide as its place is
    at that moment.
    """
    return element("div", *contents, class_="beside three" if len(contents) == 3 else "beside")


def unbroken(text: str) -> Html:
    """Return text that stays on one line, such as a date with its hyphens."""
    return element("span", text, class_="unbroken")


def days(start: pd.Timestamp, end: pd.Timestamp) -> Html:
    """Return the days from `start` to `end`, UTC, neither of them broken at its hyphens."""
    return join([unbroken(f"{start:%Y-%m-%d}"), " to ", unbroken(f"{end:%Y-%m-%d}")])


def paragraph(*contents: Content, class_: str = "text") -> Html:
    """Return one paragraph."""
    return element("p", *contents, class_=class_)


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Return names and what they are, in two columns."""
    rows = [element("div", element("dt", name), element("dd", content)) for name, content in pairs]
    return element("dl", *rows, class_="facts")
