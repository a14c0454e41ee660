"""Frames written to files that people open: whole, beside other writers, or not at all."""

from __future__ import annotations

import pandas as pd
import pytest

from truebar.errors import ConfigurationError
from truebar_io.frames import write_frame

FRAME = pd.DataFrame({"a": [1, 2], "b": [0.5, None]})


@pytest.mark.parametrize(("name", "read"), [("x.parquet", pd.read_parquet), ("x.csv", pd.read_csv)])
def test_write_frame_replaces_the_file_and_leaves_another_writers_part(tmp_path, name, read):
    other = tmp_path / f".{name}.part"
    other.write_text("another export of the same name is at work")
    (tmp_path / name).write_text("old")
    write_frame(FRAME, tmp_path / name)
    pd.testing.assert_frame_equal(read(tmp_path / name), FRAME)
    assert other.is_file()
    assert len(list(tmp_path.iterdir())) == 2


def test_write_frame_bad_target_is_refused(tmp_path):
    for path in (tmp_path / "x.xlsx", tmp_path / "none" / "x.csv"):
        with pytest.raises(ConfigurationError):
            write_frame(FRAME, path)
    assert list(tmp_path.iterdir()) == []
