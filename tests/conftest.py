"""What every test may count on: a store of its own, and fresh random keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A busy machine is slow, not wrong: time limits of single examples would fail by chance.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor fill the store of finished calculations of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAMEXPLORER_STORE", str(tmp_path_factory.mktemp("store")))
        yield


#: Half of what Linux lets a process have by default. Compiled code takes some maps a function, and with too many XLA
#: aborts.
MOST_MEMORY_MAPS = 30_000


@pytest.fixture(scope="module", autouse=True)
def _compiled_code_has_room() -> Iterator[None]:
    """The whole suite compiles more than one process may hold: what earlier modules compiled is dropped in time."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and len(maps.read_bytes().splitlines()) > MOST_MEMORY_MAPS:
        import jax

        jax.clear_caches()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A server of archives on this machine, see `tests/structures/archive_server.py`, and an empty cache folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "structures"))
    import archive_server

    monkeypatch.setenv("HAMEXPLORER_CACHE", str(tmp_path / "cache"))
    with archive_server.archive_server() as served:
        yield served


@pytest.fixture
def getkey() -> Callable[[], Any]:
    """A new JAX random key at each call, the same ones in each run.

    With one key for everything, arrays depend on one another, and a gradient test compares 0 with 0.
    """
    import jax

    state = [jax.random.key(0)]

    def fresh() -> Any:
        state[0], key = jax.random.split(state[0])
        return key

    return fresh
