"""A session whose next training learns the small basis' own values."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace


def test_what_is_offered_and_compared_with_follows_the_basis(session, script, until):
    whole = session.dataset
    bare = tuple(
        dataclasses.replace(r, large=dataclasses.replace(r.large, polarizability=None))
        for r in whole.references
    )
    session.dataset = dataclasses.replace(whole, references=bare)
    assert session.why_not_target("polarizability") == "not in this dataset"
    assert session.compared_with == "large"
    session.configure(target_basis="small")
    assert session.why_not_target("polarizability") == ""
    session.start()
    learned = session.dataset.with_targets_of("small")
    script.snapshot(SimpleNamespace(dataset=learned))
    until(lambda: session.results is not None)
    assert script.calls[0].settings.target_basis == "small"
    assert session.compared_with == "small"
    small = session.dataset.references[0].small
    assert learned.references[0].large.mo_energy is small.mo_energy
    assert session.known(0)["small"]["polarizability"] is small.polarizability_uncoupled
