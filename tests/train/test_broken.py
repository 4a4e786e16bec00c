"""A loss that is no number stops the run with the target and the molecule, at the last good state."""

from __future__ import annotations

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

from hamexplorer.errors import TrainingError
from hamexplorer.physics.integrals import make_integrals
from hamexplorer.physics.targets import TARGETS, Target
from hamexplorer.structures.selection import split_structures
from hamexplorer.train import events
from hamexplorer.train.controls import Controls
from hamexplorer.train.finite import check_references
from hamexplorer.train.trained import TrainedModel


class Explosive(Target):
    """Not a number for one molecule, recognised by one of its integrals."""

    name = "explosive"
    label = "Explosive number"
    help = "For this test."

    def __init__(self, structure) -> None:
        self.fingerprint = float(make_integrals(structure, "sto-3g").r[0, 0, 0])

    def predict(self, state, integrals):
        hit = jnp.abs(integrals.r[0, 0, 0] - self.fingerprint) < 1e-9
        return jnp.where(hit, jnp.nan, 1.0) * state.mo_energy[0]

    def reference(self, properties, reduced, n_occ):
        return np.asarray(-11.0)

    def raw(self, properties, fock, n_occ):
        return None


def test_the_molecule_and_the_target_are_named_and_the_last_good_state_kept(
    run, ethanes, settings, monkeypatch, same_weights
):
    chosen = settings()
    split = split_structures(
        ethanes.structures,
        train=chosen.train_fraction,
        validation=chosen.validation_fraction,
        seed=chosen.seed,
    )
    victim = ethanes.structures[split.train[-1]].renamed("the victim")
    references = list(ethanes.references)
    references[split.train[-1]] = dataclasses.replace(references[split.train[-1]], structure=victim)
    dataset = dataclasses.replace(ethanes, references=tuple(references))
    monkeypatch.setitem(TARGETS._entries, "explosive", Explosive(victim))
    controls, heard, folders = Controls(), [], []

    def on_event(event):
        heard.append(event)
        if isinstance(event, events.EpochReport):
            controls.set_weights({**chosen.targets, "explosive": 1.0})

    with pytest.raises(TrainingError) as caught:
        run(dataset=dataset, controls=controls, on_event=on_event, folders=folders)
    sentence = str(caught.value)
    assert sentence == (
        f"the loss of explosive number stopped being finite for {victim.label} in epoch 2; "
        f"lower the learning rate, or leave that structure out"
    )
    assert heard[-1] == events.Failed(sentence)
    assert json.loads((folders[0] / "run.json").read_text())["epoch"] == 1
    kept, undisturbed = TrainedModel.load(folders[0]), run(epochs=1).model
    assert kept.epoch == undisturbed.epoch and same_weights(kept, undisturbed)


@pytest.mark.parametrize("field", ["mo_energy", "dipole", "polarizability", "e_tot"])
def test_a_reference_that_is_no_number_is_told_before_anything_is_fitted(ethanes, field):
    reference = ethanes.references[3]
    broken = np.array(getattr(reference.large, field), dtype=float)
    broken.flat[-1] = np.nan
    large = dataclasses.replace(reference.large, **{field: broken})
    references = [*ethanes.references[:3], dataclasses.replace(reference, large=large)]
    dataset = dataclasses.replace(ethanes, references=tuple(references))
    what = TARGETS[field].label.lower() if field in TARGETS else "e tot"
    with pytest.raises(
        TrainingError, match=rf"value of {what} of .* is not a finite number; leave that structure"
    ):
        check_references(dataset)


def test_a_run_with_such_a_reference_does_not_begin(run, ethanes):
    reference = ethanes.references[0]
    large = dataclasses.replace(reference.large, dipole=np.array([0.0, np.inf, 0.0]))
    references = (dataclasses.replace(reference, large=large), *ethanes.references[1:])
    heard = []
    with pytest.raises(TrainingError, match="dipole moment"):
        run(dataset=dataclasses.replace(ethanes, references=references), on_event=heard.append)
    assert isinstance(heard[-1], events.Failed)


def test_complete_references_pass(ethanes):
    check_references(ethanes)
