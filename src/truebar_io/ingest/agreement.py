"""Whether new bars can be of the market whose bars they are put among."""

from __future__ import annotations

from typing import Final

import pandas as pd

from truebar.errors import CorruptDataError
from truebar.market.merging import Merged
from truebar.partitions import Partition

MIN_SHARED_BARS: Final = 20
"""Fewer bars that are given twice say nothing about whether they are of one market."""

MAX_NAMES: Final = 3
"""A message lists no more sources than this; a history may be made of hundreds of archives."""

DISAGREEING_SHARE: Final = 0.5
"""Bars that close apart in more of those given twice than this are not of one market."""


def require_agreement(
    partition: Partition, name: str, incoming: pd.DataFrame, known: pd.DataFrame, merged: Merged
) -> None:
    """Do nothing if incoming bars can be of the market whose bars are known.

    Args:
        partition: whose bars they are to be.
        name: of the file or frame that the incoming bars are from.
        incoming: `open_time` of the new bars.
        known: `open_time` and `source` of the bars they are merged with.
        merged: what they do to these.

    Raises:
        CorruptDataError: they close apart in most of the bars that both hold; the message names all sources.
    """
    if merged.shared < MIN_SHARED_BARS or merged.apart <= DISAGREEING_SHARE * merged.shared:
        return
    both = known["open_time"].isin(incoming["open_time"])
    others = _listed(known.loc[both, "source"])
    raise CorruptDataError(
        f"{name} and {others} close apart in {merged.apart:,} of the {merged.shared:,} bars that both hold; "
        f"expected one market in {partition}, found two, or two venues of one. Give the files of one of "
        f"them; the other needs a symbol of its own. If what {partition} holds is the wrong one, start in a "
        "new TRUEBAR_HOME."
    )


def _listed(sources: pd.Series) -> str:
    names = [str(name) for name in sources.unique()]
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
