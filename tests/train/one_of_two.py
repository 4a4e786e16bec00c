"""One of two processes that train together, each with one device, as on two hosts: `one_of_two.py ADDRESS RANK`.

Run both by hand, with 127.0.0.1:45671 and ranks 0 and 1: their losses must be those of `sharded_steps`, up to rounding.
Not among the tests, because what connects processors ends a process that waits half a minute for a busy machine.
"""

from __future__ import annotations

import json
import sys

import jax


def main(address: str, rank: int) -> None:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, num_processes=2, process_id=rank)
    # Only now: what the package imports asks JAX for its devices.
    from sharded_steps import losses_on

    assert len(jax.local_devices()) == 1
    print(json.dumps(losses_on(2)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
