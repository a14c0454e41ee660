"""Small still pictures, as SVG, for places that show no script: asset pages and experiment runs."""

from truebar.figures.bars import bar_chart
from truebar.figures.lines import line_chart
from truebar.figures.picture import SYNTHETIC, Picture

__all__ = ["SYNTHETIC", "Picture", "bar_chart", "line_chart"]
