"""A finished picture, and the elements that it is made of."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

INK, SOFT, GRID = "#1a2330", "#5a6675", "#e6eaef"
SYNTHETIC = "SYNTHETIC"
"""Across every picture of a market that was generated."""

MARK = "#86640f"
"""Of a word across a picture."""

COLORS = ("#1f4e79", "#b9822b", "#9c3325", "#4b7f52", "#6b4c8a")
"""Of the first, second … series."""


@dataclass(frozen=True)
class Picture:
    """A picture with its title.

    Attributes:
        title: what it shows; also read to those who cannot see it.
        svg: the whole document; no script, nothing fetched.
    """

    title: str
    svg: str

    @property
    def markdown(self) -> str:
        """The picture as Markdown that holds all of it."""
        content = b64encode(self.svg.encode()).decode()
        alternative = self.title.replace("[", "(").replace("]", ")")
        return f"![{alternative}](data:image/svg+xml;base64,{content})"

    def marked(self, word: str) -> Picture:
        """Return the picture with a word across it, pale, and before its title.

        >>> document("close", 640, 300, []).marked("SYNTHETIC").title
        'SYNTHETIC: close'
        """
        style = f'text-anchor="middle" fill="{MARK}" fill-opacity="0.16" font-size="72" font-weight="bold"'
        across = f'<text x="50%" y="60%" {style}>{escape(word)}</text>'
        head, end, tail = self.svg.rpartition("</svg>")
        return Picture(f"{word}: {self.title}", f"{head}{across}\n{end}{tail}")


def document(title: str, width: int, height: int, elements: Sequence[str]) -> Picture:
    """Return the picture of these elements on white, under its title."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="12">'
        f'<title>{escape(title)}</title><rect width="{width}" height="{height}" fill="#ffffff"/>'
    )
    heading = text(12, 20, title, color=INK, size=14, weight="bold")
    return Picture(title, "\n".join([head, heading, *elements, "</svg>\n"]))


def text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    color: str = SOFT,
    size: int = 12,
    weight: str = "normal",
) -> str:
    """Return a line of text whose base begins, is centred or ends at (x, y)."""
    style = f'text-anchor="{anchor}" fill="{color}" font-size="{size}" font-weight="{weight}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(content)}</text>'


def stroke(x1: float, y1: float, x2: float, y2: float, color: str = GRID, *, width: float = 1.0) -> str:
    """Return a straight line between two points."""
    where = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {where} stroke="{color}" stroke-width="{width}"/>'
