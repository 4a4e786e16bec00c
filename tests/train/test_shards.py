"""A batch on several devices gives what it gives on one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.train.shards import mesh_of

SCRIPT = Path(__file__).with_name("sharded_steps.py")


@pytest.mark.slow
def test_several_devices_give_the_numbers_of_one():
    """In a process of its own, where JAX takes one processor for eight devices."""
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    losses = found.pop("runs")
    for what, step in found.items():
        moved = step.pop("moved")
        assert moved > 1e-6, f"{what}: the step moved nothing that could be compared"
        # Batches of four or five: an eighth device would have nothing to do.
        assert step.pop("devices") == min(int(what.split()[-1]), 4), what
        assert max(step.values()) < 1e-10, f"{what}: {step}"
    alone, shared = losses
    assert len(alone) == 2
    assert shared == pytest.approx(alone, rel=1e-4)


def test_more_devices_than_there_are_is_told():
    with pytest.raises(SettingsError, match=r"99 devices were asked for, and JAX sees 1; choose 1 to 1"):
        mesh_of(99)
    with pytest.raises(SettingsError, match="0 devices"):
        mesh_of(0)
