"""``python -m hamexplorer``: the same as the command ``hamexplorer``."""

from __future__ import annotations

import sys

from hamexplorer.cli import main

sys.exit(main())
