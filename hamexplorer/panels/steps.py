"""The steps of the dashboard's side, in the order in which they are done."""

from __future__ import annotations

from typing import Any

from hamexplorer.panels.structures import StructuresPanel
from hamexplorer.panels.targets import TargetsPanel
from hamexplorer.panels.training import TrainingPanel

#: Name -> panel of a session.
STEPS: dict[str, Any] = {"structures": StructuresPanel, "targets": TargetsPanel, "training": TrainingPanel}
