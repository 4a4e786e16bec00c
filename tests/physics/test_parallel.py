"""Many molecules at once: in order, the same to the last bit, errors where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.parallel import each_on_one_thread


def test_results_come_in_order_and_threads_are_given_back():
    before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    def work(k: int) -> tuple[int, set[int]]:
        return k, {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    found = list(each_on_one_thread(work, range(20)))
    assert [k for k, _ in found] == list(range(20))
    assert all(threads == {1} for _, threads in found)
    after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert after == before


def test_matrices_are_the_same_alone_and_in_company(solved):
    structures = [solved(name).structure for name in ("H2O", "CH3OH", "NH3")] * 3

    def matrix(structure):
        return BASELINES["scf_step"].matrix(structure, "sto-3g")

    together = each_on_one_thread(matrix, structures)
    alone = [next(each_on_one_thread(matrix, [s])) for s in structures]
    assert all(map(np.array_equal, together, alone))


def test_an_error_is_raised_in_its_place():
    found = []
    results = each_on_one_thread(lambda k: 1 / k, [1, 2, 0, 4])
    with pytest.raises(ZeroDivisionError):
        found.extend(results)
    assert found == [1.0, 0.5]
