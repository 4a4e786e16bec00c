"""What a trained model is, for whoever opens it later: data, targets, errors and limits, in words."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ase.data import chemical_symbols

from hamexplorer._plain import take, take_number, take_whole
from hamexplorer.errors import plain_text
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.structures.selection import Split
from hamexplorer.units import HARTREE_EV

if TYPE_CHECKING:
    from hamexplorer.train.trained import TrainedModel


@dataclass(frozen=True)
class ModelCard:
    """What is kept of the run beside its settings.

    Attributes:
        dataset: name of what was learned from.
        n_train, n_validation, n_test: structures of each part.
        fewest_atoms, most_atoms: of those that were learned from, of a crystal in a cell.
        validation: √ of the mean of ‖Δ‖²/N² over the validation part, by target, atomic units; empty before the first
            epoch.
        made: the day, ISO 8601.
    """

    dataset: str
    n_train: int
    n_validation: int
    n_test: int
    fewest_atoms: int
    most_atoms: int
    validation: Mapping[str, float]
    made: str

    @classmethod
    def of(cls, dataset: ReferenceDataset, split: Split, validation: Mapping[str, float]) -> ModelCard:
        """The card of a run as it stands."""
        atoms = [dataset.structures[k].n_atoms for k in split.train]
        return cls(
            dataset.name,
            len(split.train),
            len(split.validation),
            len(split.test),
            min(atoms),
            max(atoms),
            dict(validation),
            datetime.datetime.now(datetime.UTC).date().isoformat(),
        )

    def to_dict(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self) | {"validation": dict(self.validation)}

    @classmethod
    def from_dict(cls, values: Any) -> ModelCard:
        """From a file.

        Raises:
            ValueError: if a value is missing or of another kind.
        """
        errors = take(values, "validation", dict)
        counts = ("n_train", "n_validation", "n_test", "fewest_atoms", "most_atoms")
        return cls(
            dataset=plain_text(take(values, "dataset", str)),
            validation={name: take_number(errors, name) for name in errors if name in TARGETS},
            made=plain_text(take(values, "made", str), 20),
            **{name: take_whole(values, name) for name in counts},
        )


def sentence(model: TrainedModel) -> str:
    """One line: what it learned, from what."""
    targets = " + ".join(TARGETS[name].label.lower() for name in model.settings.targets)
    learned = f"{model.settings.model} model of {targets}, {model.method.label}"
    card = model.card
    if card is None:
        return learned
    return f"{learned}; learned from {card.n_train} structures of {card.dataset} on {card.made}"


def markdown(model: TrainedModel) -> str:
    """The whole card as Markdown."""
    settings, card = model.settings, model.card
    elements = ", ".join(chemical_symbols[z] for z in model.geometry.graph.elements)
    kind = "molecules" if isinstance(model.geometry.basis, str) else "crystals"
    own = settings.target_basis == "small"
    rows = [
        ("Predicts", _predicts(model)),
        ("Targets and weights", ", ".join(f"{TARGETS[t].label} {w:g}" for t, w in settings.targets.items())),
        ("References", f"{model.method.label}; values of the {'small' if own else 'large'} basis"),
        ("Kind", f"{settings.model}, baseline {settings.baseline}, sees {settings.features}"),
        ("Epoch", str(model.epoch)),
    ]
    limits = f"{kind} of {elements}, closed shells"
    if card is not None:
        parts = f"{card.n_train} to learn from, {card.n_validation} to choose by, {card.n_test} to test"
        rows.insert(0, ("Learned from", f"{_literal(card.dataset)}: {parts} ({card.made})"))
        size = (
            f"{card.fewest_atoms} to {card.most_atoms}"
            if card.fewest_atoms < card.most_atoms
            else f"{card.most_atoms}"
        )
        limits += f"; of {size} atoms{'' if kind == 'molecules' else ' a cell'}, beyond which it extrapolates"
        if card.validation:
            errors = ", ".join(_error(*each) for each in card.validation.items())
            rows.append(("Validation errors, per atom", errors))
    rows += [
        ("Limits", limits),
        ("Licence", "that of the data it learned from; hamexplorer asks nothing for models made with it"),
    ]
    lines = "\n".join(f"| {name} | {said} |" for name, said in rows)
    return f"| Model | |\n|---|---|\n{lines}\n"


def _predicts(model: TrainedModel) -> str:
    if model.has_hamiltonian:
        return "a Hamiltonian, and what follows from it; what is no target comes as it may"
    return "its targets, without a Hamiltonian"


def _error(name: str, value: float) -> str:
    target = TARGETS[name]
    shown, unit = (value * HARTREE_EV, "eV") if target.is_energy else (value, target.unit)
    return f"{target.label} {shown:.3g} {unit}"


def _literal(text: str) -> str:
    """A name from a file as Markdown shows it letter by letter."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+-!|~&$" else c for c in text)
