"""The part of the session that looks into the picked molecule: Hamiltonian, orbitals, excitations, how new it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from hamexplorer.physics.spectra import Transitions
from hamexplorer.session.earlier import Earlier
from hamexplorer.train.molecule_state import MoleculeState, calculated_state, excitations_of
from hamexplorer.train.novelty import Novelty


class Electrons(Earlier):
    """Works everything out in workers, so that a click is never kept waiting; the latest wish counts."""

    state_of_picked = traitlets.Any(
        None, allow_none=True, help="MoleculeState of the picked molecule, or None"
    )
    excitations = traitlets.Dict(
        help='"raw" and "learned" -> Tamm-Dancoff transitions of the picked molecule'
    )
    pull = traitlets.Any(
        None, allow_none=True, help="(target, matrix): gradient of its error at the picked molecule"
    )
    novelty = traitlets.Float(
        None,
        allow_none=True,
        help="how unlike the training set the picked structure is; 1 is usual, None not known",
    )
    orbital = traitlets.Int(0, help="the orbital that every view shows, counted from the HOMO (0); LUMO is 1")
    marked = traitlets.Tuple(help="atoms that every view points out: one, or the two of a block")
    hovered = traitlets.Int(None, allow_none=True, help="the atom under the pointer, or None")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._exciting, self._excited = False, None
        self._pulling, self._pulled = False, (None, "")
        self._novelty: tuple[Any, Novelty] | None = None
        self.observe(self._find_state, ["picked", "results", "structures", "dataset", "predictions"])
        self.observe(self._judge_novelty, ["picked", "results", "structures"])
        self.observe(self._leave_molecule, "picked")

    def _leave_molecule(self, _: Any) -> None:
        """What was pointed out and worked out belonged to the molecule before."""
        self.marked, self.hovered, self.pull = (), None, None

    def choose_orbital(self, from_homo: int) -> None:
        """Show another orbital: 0 is the HOMO, 1 the LUMO, negative ones lie below; others are ignored."""
        state = self.state_of_picked
        n_ao = len(next(iter(state.sets.values())).energy) if state is not None else 0
        if state is not None and 0 <= state.n_occ - 1 + from_homo < n_ao:
            self.orbital = from_homo

    def excite(self) -> None:
        """Work out the excitations of the picked molecule; what was asked last counts, and none is worked out twice."""
        state = self.state_of_picked
        if state is None or state is self._excited:
            return
        if self._exciting:
            return  # the worker looks again when it is done
        self._exciting = True
        if self._excited is None or self._excited.structure is not state.structure:
            self.excitations = {}

        def work() -> dict[str, Transitions]:
            wanted = [name for name in ("raw", "learned") if name in state.sets]
            return {name: excitations_of(state, name) for name in wanted}

        def done(found: list[dict[str, Transitions]]) -> None:
            self._exciting, self._excited = False, state
            current = self.state_of_picked
            if current is not None and current.structure is state.structure:
                self.excitations = found[-1]
            # While it trains, states come faster than this: the next one is asked for by whoever looks then.
            if current is not None and current.structure is not state.structure:
                self.excite()

        def failed(sentences: list[str]) -> None:
            self._exciting, self._excited = False, state
            self.say(sentences[-1], "warning", "training")

        self.pump.start(work, done=done, failed=failed)

    def find_pull(self, target: str) -> None:
        """Work out how the error of a target changes with the Hamiltonian of the picked molecule."""
        state, results, row = self.state_of_picked, self.results, self.row_of(self.picked)
        if state is None or "learned" not in state.sets or results is None or row is None or self._pulling:
            return
        if results.gradients is None or (self._pulled == (state, target) and self.pull is not None):
            return
        self._pulling = True
        gradients, matrix = results.gradients, state.sets["learned"].matrix

        def done(found: list[np.ndarray]) -> None:
            self._pulling, self._pulled = False, (state, target)
            current = self.state_of_picked
            if current is not None and current.structure is state.structure:
                self.pull = (target, found[-1])

        def failed(sentences: list[str]) -> None:
            self._pulling, self._pulled = False, (state, target)
            self.pull = None
            self.say(sentences[-1], "warning", "training")

        self.pump.start(lambda: gradients(row, target, matrix), done=done, failed=failed)

    @property
    def pointed_at(self) -> tuple[int, ...]:
        """Atoms whose blocks are shown: the one under the pointer, else those that are pointed out."""
        return self.marked if self.hovered is None else (self.hovered,)

    def mark(self, atoms: Sequence[int]) -> None:
        """Point out one atom, or two whose block is meant; the same two again, or nothing, end it."""
        wanted = tuple(dict.fromkeys(int(a) for a in atoms))[:2]
        self.marked = () if wanted == self.marked else wanted

    def known(self, index: int) -> dict[str, dict[str, Any]]:
        """As in :class:`Findings`; what is no target follows from the learned orbitals of the picked molecule."""
        found, state = super().known(index), self.state_of_picked
        learned = found.get("learned")
        if learned is None or index != self.picked or state is None or "learned" not in state.sets:
            return found
        return {**found, "learned": state.properties("learned") | learned}

    def _judge_novelty(self, change: Any = None) -> None:
        """How unlike the training set the picked structure is; the set is looked through once a run."""
        results, index = self.results, self.picked
        if results is None or not 0 <= index < len(self.structures) or not len(results.split.train) > 1:
            self.novelty = None
            return
        if change is not None and change["name"] == "results" and self.novelty is not None:
            return  # another epoch of the same run, most likely; picking asks again
        structure, split = self.structures[index], results.split
        known = self._novelty[1] if self._novelty is not None and self._novelty[0] is split else None

        def judge() -> tuple[Novelty, float]:
            found = known or Novelty([results.dataset.structures[k] for k in split.train])
            return found, found.of(structure)

        def judged(values: list[tuple[Novelty, float]]) -> None:
            self._novelty = (split, values[-1][0])
            if self.picked == index:
                self.novelty = values[-1][1]

        self.pump.start(judge, done=judged, failed=lambda _: None)

    def _find_state(self, _: Any = None) -> None:
        """Know the Hamiltonian of the picked molecule: at once if it was worked out, else when a worker has done it."""
        index = self.picked
        if not 0 <= index < len(self.structures) or self.structures[index].is_crystal:
            self.state_of_picked = None
            return
        row, results = self.row_of(index), self.results
        if row is None or results is None or results.states is None:
            self.state_of_picked = self._state_without_run(index)
            return
        known = results.known_molecule_state(row)
        if known is not None:
            self.state_of_picked = known
            return

        def found(states: list[MoleculeState | None]) -> None:
            if self.picked == index and self.row_of(index) == row:
                self.state_of_picked = states[-1]

        def failed(sentences: list[str]) -> None:
            self.say(
                f"the Hamiltonian of {self.structures[index].label} cannot be shown: {sentences[-1]}",
                "warning",
            )

        self.pump.start(lambda: results.molecule_state(row), done=found, failed=failed)

    def _state_without_run(self, index: int) -> MoleculeState | None:
        predicted = self._states.get(self.structures[index].key)
        if not self.has_reference(index):
            return predicted
        method = self.dataset.method
        known = calculated_state(
            self.dataset.references[index], method.small_basis, getattr(method, "xc", "hf")
        )
        if known is None or predicted is None:
            return predicted or known
        if predicted.basis != known.basis:
            return known
        sets = {**known.sets, **predicted.sets}
        ordered: dict[str, Any] = {n: sets[n] for n in ("raw", "learned", "reference") if n in sets}
        return dataclasses.replace(known, sets=ordered)
