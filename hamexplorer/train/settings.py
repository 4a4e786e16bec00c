"""Everything that decides a training run, in one described, frozen value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hamexplorer.basis.reductions import REDUCTIONS
from hamexplorer.errors import SettingsError, quoted
from hamexplorer.model import KINDS, MODELS, SURROGATES
from hamexplorer.params import Choice, Real, Text, Whole, param, params_of, to_dict, validate
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.targets import TARGETS
from hamexplorer.structures.selection import SPLITS, Split, split_structures
from hamexplorer.structures.structure import Structure

RESPONSES: Mapping[str, str] = MappingProxyType(
    {
        "matrix": "the Hamiltonian alone, as in the paper",
        "atoms": "the Hamiltonian, and what each atom adds; the Hamiltonian then learns from the other targets alone",
    }
)
FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "orbitals": "the geometry, and the orbitals of the baseline: its matrix and its bonds",
        "geometry": "the geometry alone, as in the paper",
    }
)
TARGET_BASES: Mapping[str, str] = MappingProxyType(
    {
        "large": "the large basis, whose values the small matrix learns to give",
        "small": "the small basis itself: what its own matrix gives, polarizabilities uncoupled",
    }
)
OPTIMIZERS: Mapping[str, str] = MappingProxyType(
    {
        "adam": "small steps on a few structures at a time; the usual choice",
        "lbfgs": "one careful step an epoch on all structures; good for small sets and the last digits",
    }
)


@dataclass(frozen=True)
class RunSettings:
    """Targets, basis reduction, model, split and schedule of one run.

    ``targets`` maps target names to weights; the weights follow the paper's normalisation, where each target's squared
    error is divided by the variance of that target over the training molecules.
    """

    targets: Mapping[str, float] = field(
        default_factory=lambda: {"mo_energy": TARGETS["mo_energy"].default_weight}
    )
    target_basis: str = param(
        "large",
        Choice(TARGET_BASES),
        label="Target basis",
        help="Whose values are learned: the large basis' (coupled polarizabilities), or the small one's (uncoupled).",
    )
    reduction: str = param(
        "lowest_n",
        Choice(REDUCTIONS),
        label="Basis reduction",
        help="How the levels of the large basis become the targets of the small matrix.",
    )
    n_virtual: int = param(
        4,
        Whole(0, 50),
        label="Empty levels matched",
        help="How many empty levels count, for the reduction that takes occupied + m empty levels.",
    )
    window_low: float = param(
        -40.0,
        Real(-2000.0, 200.0),
        label="Window from",
        unit="eV",
        help="Lower end of the energy window, for the reduction that uses one.",
    )
    window_high: float = param(
        10.0,
        Real(-2000.0, 200.0),
        label="Window to",
        unit="eV",
        help="Upper end of the energy window, for the reduction that uses one.",
    )
    baseline: str = param(
        "scf_step",
        Choice(BASELINES),
        label="Baseline",
        help="A cheap Hamiltonian that the model improves on; it learns only the difference.",
    )
    model: str = param(
        "network",
        Choice(KINDS),
        label="Model",
        help="Linear is the paper's kind and quick; the network is more accurate; a surrogate has no Hamiltonian.",
    )
    features: str = param(
        "orbitals",
        Choice(FEATURES),
        label="The model sees",
        help="What it learns from; of crystals, and where the baseline has no orbitals, always the geometry alone.",
    )
    response: str = param(
        "atoms",
        Choice(RESPONSES),
        label="Polarizability from",
        help="Whether atoms add to the polarizability what the small basis cannot express; of molecules only.",
    )
    committee: int = param(
        1,
        Whole(1, 16),
        label="Committee",
        help="Models trained side by side: their mean predicts, and where they disagree it is not to be trusted.",
    )
    cutoff: float = param(
        6.0,
        Real(2.0, 12.0),
        label="Cutoff",
        unit="Å",
        help="Atoms farther apart than this do not see each other directly.",
    )
    split_by: str = param(
        "random",
        Choice(SPLITS),
        label="Split by",
        help="How structures are divided into training, validation and test.",
    )
    train_fraction: float = param(
        0.7,
        Real(0.05, 0.95),
        label="Training part",
        help="Share of the structures that the model learns from.",
    )
    validation_fraction: float = param(
        0.2,
        Real(0.01, 0.9),
        label="Validation part",
        help="Share that decides when to slow down and stop; the rest is the test set.",
    )
    held_out: str = param(
        "",
        Text(),
        label="Held out",
        help="Structures that are the test part whatever the seed, by the beginnings of their keys; empty for none.",
    )
    train_at_most: int = param(
        0,
        Whole(0, 1000000),
        label="Training structures",
        help="At most so many of the training part are learned from, drawn by chance; 0 for all. The test part stays.",
    )
    seed: int = param(
        42,
        Whole(0, 2**31 - 1),
        label="Seed",
        help="Starting point of the random numbers; equal seeds give equal runs on one machine.",
    )
    epochs: int = param(
        300, Whole(0, 100000), label="Epochs", help="How often every training structure is seen, at most."
    )
    batch_size: int = param(
        8,
        Whole(1, 4096),
        label="Batch size",
        help="Molecules in one step: fewer learn faster at first, more run faster.",
    )
    learning_rate: float = param(
        1e-3,
        Real(1e-6, 1.0, log=True),
        label="Learning rate",
        help="Length of a step; halved by itself when the validation error stops falling.",
    )
    optimizer: str = param(
        "adam", Choice(OPTIMIZERS), label="Optimizer", help="How the weights follow the gradient."
    )
    weight_decay: float = param(
        2.0,
        Real(0.0, 1000.0),
        label="Weight decay",
        help="How strongly weights are drawn to zero, so that training structures are not learned by heart; of Adam, "
        "and not of the linear model, whose weights start at their best.",
    )
    plateau: int = param(
        15,
        Whole(1, 100000),
        label="Plateau",
        unit="epochs",
        help="Epochs without a better validation error before the learning rate is halved.",
    )
    patience: int = param(
        80,
        Whole(1, 100000),
        label="Patience",
        unit="epochs",
        help="Epochs without a better validation error before training stops by itself.",
    )
    checkpoint_every: int = param(
        20,
        Whole(1, 100000),
        label="Checkpoint every",
        unit="epochs",
        help="How often the state is saved for resuming.",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", MappingProxyType(_checked_targets(self.targets)))
        validate(self)
        if self.train_fraction + self.validation_fraction > 1.0 + 1e-9:
            raise SettingsError(
                f"the training and validation parts add up to {self.train_fraction + self.validation_fraction:g}, "
                f"more than all structures; lower one of them"
            )

    def __getstate__(self) -> dict[str, Any]:
        # A mapping proxy cannot be pickled; worker processes and copies get a plain dict.
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)} | {
            "targets": dict(self.targets)
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, MappingProxyType(value) if name == "targets" else value)

    def split(self, structures: Sequence[Structure]) -> Split:
        """How a run divides these structures.

        Raises:
            SettingsError, StructureError: if there are too few, or the fractions leave a part empty.
        """
        return split_structures(
            structures,
            by=self.split_by,
            train=self.train_fraction,
            validation=self.validation_fraction,
            seed=self.seed,
            held_out=self.held_out,
            train_at_most=self.train_at_most,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON or TOML."""
        return {"targets": dict(self.targets), **to_dict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSettings:
        """Settings from plain values; a name that does not exist is refused.

        Raises:
            SettingsError: naming the setting.
        """
        known = {"targets", *(entry.name for entry in params_of(cls))}
        unknown = sorted(str(name) for name in set(values) - known)
        if unknown:
            raise SettingsError(
                f"the setting {quoted(unknown[0])} is unknown; choose among {', '.join(sorted(known))}"
            )
        real = {p.name for p in params_of(cls) if isinstance(p.kind, Real)}
        # TOML and JSON write 6.0 as 6 where they can.
        typed: dict[str, Any] = {
            k: float(v) if k in real and type(v) is int and abs(v) < 2**53 else v for k, v in values.items()
        }
        return cls(**typed)

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> RunSettings:
        """Settings as the file of a run states them all: what an older version did not know yet was done as then.

        Raises:
            SettingsError: naming the setting that does not exist.
        """
        return cls.from_dict({**_BEFORE, **values})


#: What a run did before it could be chosen, where the default has become another.
_BEFORE: Mapping[str, Any] = MappingProxyType(
    {"features": "geometry", "response": "matrix", "weight_decay": 0.0}
)


def weight_decay_of(settings: RunSettings) -> float:
    """That of the run's model: what starts from a fit must not be drawn to zero."""
    fitted = settings.model in MODELS and not MODELS[settings.model].keeps_start
    return 0.0 if fitted else settings.weight_decay


def sees_orbitals(settings: RunSettings, basis: Any) -> bool:
    """Whether the model sees the baseline's orbitals; ``basis`` is the name of one of molecules, or one of crystals."""
    return (
        settings.features == "orbitals"
        and isinstance(basis, str)
        and BASELINES[settings.baseline].has_orbitals
    )


def unpredicted(settings: RunSettings) -> str:
    """Why the chosen model cannot learn the chosen targets, as a sentence; empty if it can."""
    if settings.model not in SURROGATES:
        return ""
    if settings.committee > 1:
        return "a surrogate has no committee; set the committee to 1, or choose another model"
    known = SURROGATES[settings.model].predicts
    missing = [TARGETS[name].label.lower() for name in settings.targets if name not in known]
    if not missing:
        return ""
    offered = ", ".join(TARGETS[name].label.lower() for name in known)
    return (
        f"a surrogate has no Hamiltonian and cannot learn {' and '.join(missing)}; untick that, or choose another "
        f"model (it learns {offered})"
    )


def _checked_targets(targets: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(targets, Mapping):
        raise SettingsError(
            f"targets must be names with weights, got {quoted(targets)}; for example "
            f"{{ mo_energy = 1e4, dipole = 3e1 }}"
        )
    if not targets:
        raise SettingsError(f"no target is chosen; tick at least one of {', '.join(TARGETS)}")
    for name, weight in targets.items():
        TARGETS[name]  # an unknown name raises with the nearest one
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight <= 1e12:
            raise SettingsError(f"the weight of {name} must be a positive number, got {quoted(weight)}")
    return {name: float(targets[name]) for name in TARGETS if name in targets}
