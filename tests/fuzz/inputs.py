"""What an input of the fuzz run is; which ones there are stands in the modules beside."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SEED = int(os.environ.get("HAMEXPLORER_FUZZ_SEED", "2026"))


HERE = Path(__file__).parent


@dataclass(frozen=True)
class Input:
    """One input.

    Attributes:
        label: where it came from, for the report.
        reader: of `tests.fuzz.readers`.
        files: name -> content, in the folder that the reader gets.
        options: keywords for the reader.
        patience: seconds that it may take.
    """

    label: str
    reader: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    patience: float = 10.0


def rng_of(*key: object) -> random.Random:
    """Random numbers of one input; the same in each run with the same seed."""
    return random.Random(f"{SEED}:{':'.join(map(str, key))}")
