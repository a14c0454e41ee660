"""Bytes of a saved stream: a header that says whose they are, then the memory in little-endian doubles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

import numpy as np

from truebar.arrays import FloatArray
from truebar.compiled import code_digest
from truebar.errors import SnapshotError
from truebar.features.family import Family
from truebar.features.fields import FIELDS, complete
from truebar.features.memory import next_piece
from truebar.features.slots import hand_out, lay_out, set_before
from truebar.fingerprint import fingerprint

_MAGIC: Final = b"truebar features 1\n"
_DOUBLE: Final = np.dtype("<f8")


@cache
def kernel_digest(families: Sequence[Family]) -> str:
    """Return what tells one version of the families' kernels from the next, as 64 hexadecimal digits.

    It covers the names of the columns, and the compiled functions and constants that compute them.
    """
    shared = [code_digest(part) for part in (complete, next_piece, lay_out, set_before, hand_out)]
    return fingerprint(
        [[family.name, family.columns, code_digest(family.fold), *shared] for family in families]
    )


@dataclass(frozen=True)
class Saved:
    """What a stream knows.

    Attributes:
        feature_set: whose memory it is.
        kernel: `kernel_digest` of its families.
        step: length of a bar, nanoseconds; None: not known yet.
        latest: open_time of the latest bar, nanoseconds; None: no bar yet.
        memory: float64[size], of all families.
        held: float64[FIELDS, 1], the first bar while the step is not known.
    """

    feature_set: str
    kernel: str
    step: int | None
    latest: int | None
    memory: FloatArray
    held: FloatArray | None

    def to_bytes(self) -> bytes:
        """Return the bytes."""
        numbers = [self.memory] if self.held is None else [self.memory, self.held[:, 0]]
        content = np.concatenate(numbers).astype(_DOUBLE).tobytes()
        header = {
            "feature_set": self.feature_set,
            "kernel": self.kernel,
            "step": self.step,
            "latest": self.latest,
            "size": self.memory.size,
            "sha256": sha256(content).hexdigest(),
        }
        return _MAGIC + json.dumps(header).encode() + b"\n" + content

    @classmethod
    def from_bytes(cls, snapshot: bytes, feature_set: str, kernel: str, size: int) -> Saved:
        """Return what the bytes hold, if they are of this feature set and these kernels.

        Raises:
            SnapshotError: they are not, or are damaged.
        """
        if not snapshot.startswith(_MAGIC):
            raise SnapshotError(
                f"expected bytes that begin with {_MAGIC!r}, found {snapshot[:19]!r}. {_ADVICE}"
            )
        text, _, content = snapshot[len(_MAGIC) :].partition(b"\n")
        try:
            header = json.loads(text)
            said = {name: header[name] for name in ("feature_set", "kernel", "size", "sha256")}
            step, latest = header["step"], header["latest"]
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"the header of the snapshot is damaged ({error}). {_ADVICE}") from error
        wanted = {"feature_set": feature_set, "kernel": kernel, "size": size}
        for name, value in wanted.items():
            if said[name] != value:
                raise SnapshotError(f"expected {name} {value}, found {said[name]}. {_ADVICE}")
        if sha256(content).hexdigest() != said["sha256"]:
            raise SnapshotError(f"the snapshot is cut or changed: its digest differs. {_ADVICE}")
        numbers = np.frombuffer(content, _DOUBLE).astype(np.float64)
        held = numbers[size:].reshape(FIELDS, 1) if numbers.size > size else None
        return cls(feature_set, kernel, step, latest, numbers[:size], held)


_ADVICE: Final = "Fold the history again to go on."
