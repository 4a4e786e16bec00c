"""Strangers on one server: how many, what a kernel of theirs may touch, and what the server tells them.

``hamexplorer --public NAME`` serves like this; ``docs/serving.md`` says what holds. Nothing here is loaded by the
dashboard itself, which only asks :mod:`hamexplorer.visiting` whether it works for a visitor.
"""

from __future__ import annotations
