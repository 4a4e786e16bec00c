"""Crystals through the same engine as molecules: symmetries of the bands, targets, a training that learns, files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from hamexplorer.errors import StructureError, TrainingError
from hamexplorer.physics.bloch import mesh_translations
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.solve import solve_bands
from hamexplorer.physics.targets import DOS_GRID, DOS_WIDTH, TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.reference.kinds import KINDS
from hamexplorer.reference.xtb_method import XTBMethod
from hamexplorer.structures.crystals import build_layer, build_polyacetylene, distorted, supercell
from hamexplorer.structures.structure import Structure
from hamexplorer.train import prepare as prepare_module
from hamexplorer.train.ahead import CompiledAhead
from hamexplorer.train.band_maker import BandMaker
from hamexplorer.train.batches import batch_shape, make_batch
from hamexplorer.train.frames import KPoints
from hamexplorer.train.prepare import Prepared, arrange, prepare
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.step import evaluate_batch, hamiltonians
from hamexplorer.train.suited import defaults_for
from hamexplorer.train.trained import TrainedModel

Settings = Callable[..., RunSettings]


@pytest.fixture(scope="module", autouse=True)
def _coarser_descriptors():
    """A third of the descriptors: the same code, fitted and compiled in a fraction of the time."""
    coarser = {"n_radial": 8, "n_density": 3, "n_bond": 6}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare_module, "CRYSTAL_GRAPH", {**prepare_module.CRYSTAL_GRAPH, **coarser})
        yield


def references(structures: list[Structure], method: XTBMethod) -> ReferenceDataset:
    """Computed on the spot: tight binding takes milliseconds."""
    kind = KINDS["XTBMethod"]
    found = []
    for structure in structures:
        points = [kind.calculate(structure, level) for level in kind.levels(structure, method)]
        found.append(kind.assemble(structure, method, *points))
    return ReferenceDataset("crystals", method, tuple(found))


@pytest.fixture(scope="module")
def graphene() -> ReferenceDataset:
    cells = distorted(build_layer(), n=10, amplitude=0.08, strain=0.02, seed=3)
    return references(cells, XTBMethod(k_length=15.0))


@pytest.fixture(scope="module")
def chains() -> ReferenceDataset:
    return references([build_polyacetylene(0.02 * k) for k in range(6)], XTBMethod(k_length=20.0))


@pytest.fixture(scope="module")
def choose() -> Settings:
    base = {
        **defaults_for("crystals"),
        "targets": {"mo_energy": 1e4},
        "cutoff": 5.0,
        "batch_size": 4,
        "epochs": 2,
    }
    base |= {"train_fraction": 0.6, "validation_fraction": 0.2, "seed": 1}
    return lambda **changes: RunSettings(**{**base, **changes})


@pytest.fixture(scope="module")
def prepared(graphene, choose) -> Prepared:
    settings = choose()
    return prepare(arrange(graphene, settings), settings)


@pytest.fixture(scope="module")
def trained(graphene, choose, tmp_path_factory) -> tuple[TrainedModel, Any]:
    folder = tmp_path_factory.mktemp("crystal")
    return train(graphene, choose(epochs=3), folder=folder), folder


def matrices_at(
    model: TrainedModel, structure: Structure, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """H(k) and S(k)^-½ of a trained model at any k-points, in fractions of the reciprocal vectors."""
    (frame,) = model._frames([structure], k=[KPoints.of_path(points)])
    batch = make_batch([frame], batch_shape([frame], 1), model.geometry.template, ())
    return np.asarray(hamiltonians(model.model, batch))[0], frame.integrals.orthogonaliser


def bands_at(model: TrainedModel, structure: Structure, points: np.ndarray) -> np.ndarray:
    """By SciPy's generalised eigensolver: not the one that trains."""
    h, x = matrices_at(model, structure, points)
    overlap = np.linalg.inv(x @ x)
    return np.array([scipy.linalg.eigh(a, b, eigvals_only=True) for a, b in zip(h, overlap, strict=True)])


# ---- matrices ----------------------------------------------------------------------------------------


def test_the_reference_comes_back_through_frames(graphene, prepared):
    """F(k) of a frame has the reference's own bands at the k-points that the frame keeps."""
    for ref, (_, fock), frame in zip(graphene.references, prepared.reduced, prepared.frames, strict=True):
        solved = solve_bands(jnp.asarray(fock), frame.integrals)
        kept = frame.targets["mo_energy"].value
        np.testing.assert_allclose(np.asarray(solved.energy)[:, : kept.shape[1]], kept, atol=1e-7)
        assert frame.k.weights.sum() == pytest.approx(1) and len(kept) < len(ref.small.mo_energy)


def test_real_space_and_back(graphene, prepared):
    """What lies within the cutoff comes back from the mesh as it was, by the inverse Bloch sum written out."""
    ref, frame = graphene.references[0], prepared.frames[0]
    _, fock = prepared.reduced[0]
    found = frame.in_real_space(fock)
    every = {
        tuple(cell): matrix for cell, matrix in zip(mesh_translations(tuple(ref.mesh)), ref.fock, strict=True)
    }
    for cell, matrix in zip(frame.translations, found, strict=True):
        if tuple(cell) in every:
            np.testing.assert_allclose(matrix, every[tuple(cell)], atol=1e-9)
    assert (frame.translations == 0).all(1).sum() == 1


def test_a_pair_that_the_mesh_cannot_tell_apart_is_shared(choose):
    """On a mesh of two points a neighbour on the left and one on the right are the same: each gets its part."""
    dataset = references([build_polyacetylene(0.02 * k) for k in range(4)], XTBMethod(k_length=5.0))
    frame = arrange(dataset, choose(train_fraction=0.5)).frames[0]
    assert frame.k.mesh == (2, 1, 1)
    assert set(np.round(frame.nearest, 6)) >= {0.0, 0.5, 1.0}
    shared = frame.nearest[frame.structure.n_atoms :]
    total: dict[tuple[int, ...], float] = {}
    for share, i, j, cell in zip(shared, frame.graph.i, frame.graph.j, _cells(frame), strict=True):
        key = (int(i), int(j), int(cell[0]) % 2)
        total[key] = total.get(key, 0.0) + float(share)
    assert all(value == pytest.approx(1.0) for key, value in total.items() if key[0] != key[1])


def _cells(frame: Any) -> np.ndarray:
    """Cell T of every pair, read back from where its block stands."""
    found = np.zeros((len(frame.graph.i), 3), int)
    for place, blocks in enumerate(frame.block_of_pair):
        numbers = blocks[blocks >= frame.structure.n_atoms] - frame.structure.n_atoms
        found[numbers] = frame.translations[place]
    return found


# ---- symmetry ----------------------------------------------------------------------------------------


def test_bands_at_k_and_minus_k_are_conjugates(trained, graphene):
    points = np.array([[0.13, 0.31, 0.0], [-0.13, -0.31, 0.0]])
    h, _ = matrices_at(trained[0], graphene.structures[0], points)
    np.testing.assert_allclose(h[0], h[1].conj(), atol=1e-12)
    np.testing.assert_allclose(h, h.conj().swapaxes(1, 2), atol=1e-12)
    assert np.abs(h.imag).max() > 1e-3


def test_a_supercell_has_the_folded_bands_of_its_cell(trained, graphene):
    cell = graphene.structures[1]
    double = supercell(cell, (2, 1, 1))
    inside = np.array([[0.2, 0.3, 0.0], [0.0, 0.0, 0.0]])
    # Of the doubled cell k/2 and (k + b)/2 of the single one fall together.
    parts = [bands_at(trained[0], cell, (inside + shift) * [0.5, 1, 1]) for shift in ([0, 0, 0], [1, 0, 0])]
    folded = np.sort(np.concatenate(parts, axis=1), axis=1)
    np.testing.assert_allclose(bands_at(trained[0], double, inside), folded, atol=1e-6)


def test_a_rotated_crystal_has_the_same_bands(trained, graphene, rotation):
    cell, points = graphene.structures[2], np.array([[0.1, 0.2, 0.0], [1 / 3, 1 / 3, 0.0]])
    turned = dataclasses.replace(cell, positions=cell.positions @ rotation.T, cell=cell.cell @ rotation.T)
    before = bands_at(trained[0], cell, points)
    np.testing.assert_allclose(bands_at(trained[0], turned, points), before, atol=1e-6)


def test_an_atom_moved_by_a_lattice_vector_changes_nothing(trained, graphene):
    cell, points = graphene.structures[2], np.array([[0.1, 0.2, 0.0]])
    moved = cell.positions.copy()
    moved[1] += 2 * cell.cell[0] - cell.cell[1]
    before = bands_at(trained[0], cell, points)
    np.testing.assert_allclose(bands_at(trained[0], cell.moved(moved), points), before, atol=1e-6)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def rotation() -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]


def test_bands_anywhere_are_those_of_the_matrices(trained, graphene):
    points = np.array([[0.13, 0.31, 0.0], [0.5, 0.0, 0.0]])
    found = trained[0].bands(graphene.structures[0], points)
    np.testing.assert_allclose(found, bands_at(trained[0], graphene.structures[0], points), atol=1e-9)


# ---- targets -----------------------------------------------------------------------------------------


def test_targets_of_a_crystal_are_what_their_bands_say(prepared):
    """Predicted by the compiled step, worked out again from SciPy's bands of the same matrices."""
    frame = prepared.frames[0]
    names = tuple(name for name, target in TARGETS.items() if target.band_axes is not None)
    batch = make_batch([frame], batch_shape([frame], 1), prepared.geometry.template, names)
    _, _, found = jax.device_get(evaluate_batch(prepared.model, batch, names))
    h = np.asarray(hamiltonians(prepared.model, batch))[0]
    x = frame.integrals.orthogonaliser
    energy = np.array([np.linalg.eigvalsh(each) for each in x @ h @ x])
    np.testing.assert_allclose(found["mo_energy"][0], energy, atol=1e-8)
    n_occ = int(frame.integrals.n_occ)
    gap = energy[:, n_occ].min() - energy[:, n_occ - 1].max()
    assert found["homo_lumo_gap"][0] == pytest.approx(gap, abs=1e-8)
    density = 2 * scipy.stats.norm.pdf(DOS_GRID[:, None, None], energy, DOS_WIDTH)
    expected = (density * frame.k.weights[:, None]).sum((1, 2))
    np.testing.assert_allclose(found["dos"][0], expected, atol=1e-6)
    np.testing.assert_allclose(found["hamiltonian"][0], h.real + h.imag, atol=1e-12)


def test_the_error_of_the_matrix_is_that_of_real_space(prepared):
    """Parseval: the mean of ‖ΔH(k)‖² over the whole mesh is Σ_T ‖ΔH(T)‖²."""
    frame, (_, fock) = prepared.frames[0], prepared.reduced[0]
    value, weight = frame.targets["hamiltonian"]
    assert (weight * value**2).sum() == pytest.approx(_norm_in_real_space(frame, fock), rel=1e-9)


def _norm_in_real_space(frame: Any, fock: np.ndarray) -> float:
    cells = mesh_translations(frame.k.mesh)
    phases = np.exp(-2j * np.pi * frame.k.points @ cells.T)
    there = np.einsum("k,kt,kab->tab", frame.k.weights, phases, fock).real
    return float((there**2).sum())


@pytest.mark.parametrize("targets", [{"homo_lumo_gap": 1e2}, {"dos": 1.0}, {"hamiltonian": 1e3}])
def test_every_target_can_be_learned_from(chains, choose, targets):
    model = train(chains, choose(targets=targets, train_fraction=0.5, epochs=1, baseline="none"))
    errors = model.evaluate(chains, "all").errors("all")
    assert all(np.isfinite(row.mae) for row in errors.values()) and set(targets) <= set(errors)


def test_gradients_of_bands_agree_with_central_differences(prepared, rng):
    """Through orthogonalisation and PySCFAD's padded eigensolver; of a sum of bands, which crossings do not harm."""
    frame = prepared.frames[0]
    h = jnp.asarray(prepared.reduced[0][1])
    v = rng.normal(size=(2, *h.shape))
    change = jnp.asarray((v[0] + 1j * v[1]) + (v[0] + 1j * v[1]).conj().swapaxes(1, 2)) * 0.05

    def occupied(x: Any) -> Any:
        bands = solve_bands(h + x * change, frame.integrals)
        return (frame.integrals.k_weights[:, None] * bands.energy[:, : int(frame.integrals.n_occ)]).sum()

    step = 1e-5
    numeric = (occupied(step) - occupied(-step)) / (2 * step)
    assert float(jax.grad(occupied)(0.0)) == pytest.approx(float(numeric), rel=1e-6)


# ---- learning ----------------------------------------------------------------------------------------


def test_bands_are_learned(graphene, trained):
    """The closed form and three epochs: a hundredth of what the spread of the bands is."""
    row = trained[0].evaluate(graphene, "test").errors("test", "eV")["mo_energy"]
    values = np.concatenate([ref.large.mo_energy[:, :6].ravel() for ref in graphene.references])
    assert row.mae < 0.01 * values.std() * 27.2114
    assert row.raw_mae == 0.0  # the small basis is the large one here


def test_errors_count_every_point_of_the_mesh(graphene, trained):
    """Half of the points are kept; with their shares the mean is that over the whole mesh."""
    model = trained[0]
    results = model.evaluate(graphene, "test")
    row = results.errors("test")["mo_energy"]
    deltas = []
    for k in results.indices("test"):
        ref = graphene.references[int(k)]
        points = np.stack(np.meshgrid(*(np.arange(n) / n for n in ref.mesh), indexing="ij"), -1).reshape(
            -1, 3
        )
        found = bands_at(model, ref.structure, points)[:, :6]
        deltas.append(np.abs(found - ref.large.mo_energy[:, :6]).mean())
    assert row.mae == pytest.approx(np.mean(deltas), rel=1e-4)


def test_a_model_of_crystals_comes_back(trained, graphene):
    model, folder = trained
    back = TrainedModel.load(folder)
    assert type(back.method) is XTBMethod and back.geometry.graph == model.geometry.graph
    one, other = (m.predict(graphene.structures[:2]) for m in (model, back))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.mo_energy, b.mo_energy)
        assert a.homo_lumo_gap == b.homo_lumo_gap and a.dipole is None
        assert a.mo_energy.shape == (len(a.k_weights), 8) and a.k_weights.sum() == pytest.approx(1)


def test_band_structure_beside_the_reference(trained, graphene):
    results = trained[0].evaluate(graphene, "all")
    shown = results.band_structure(0)
    assert results.band_structure(0) is shown
    assert list(shown.sets) == ["reference", "learned"]  # the small basis is the large one here
    learned, reference = shown.sets["learned"], shown.sets["reference"]
    np.testing.assert_array_equal(reference.path_energy, graphene.references[0].large.path_energy)
    assert np.abs(learned.path_energy - reference.path_energy)[:, :6].mean() < 0.01
    assert learned.fermi == pytest.approx(reference.fermi, abs=2e-3)  # both with the references' smearing
    np.testing.assert_allclose(
        learned.path_energy, bands_at(trained[0], shown.structure, shown.path.points), atol=1e-7
    )
    np.testing.assert_allclose(learned.path_character.sum(-1), 1.0, atol=1e-6)
    assert shown.orbitals[:4] == (("C", "s"), ("C", "p"), ("C", "p"), ("C", "p"))


def test_band_structure_of_a_crystal_without_a_reference(trained):
    shown = trained[0].band_structure(supercell(build_layer(), (2, 1, 1)))
    assert list(shown.sets) == ["learned"] and shown.sets["learned"].path_energy.shape[1] == 16


def test_mirror_symmetry_keeps_s_out_of_the_pi_bands(trained):
    """Of a flat layer they are pure p_z, whatever was learned."""
    shown = trained[0].band_structure(build_layer())
    gamma = shown.sets["learned"].path_character[0]
    of_s = gamma[:, [k for k, (_, l) in enumerate(shown.orbitals) if l == "s"]].sum(1)
    of_pz = gamma[:, [3, 7]].sum(1)
    assert (of_pz > 0.999).sum() == 2 and np.abs(of_s[of_pz > 0.999]).max() < 1e-6


def test_the_dirac_point_of_flat_graphene_is_a_crossing(trained):
    """Symmetry alone closes the gap at K, so a model that keeps it cannot open one."""
    bands = bands_at(trained[0], build_layer(), np.array([[1 / 3, 1 / 3, 0.0], [2 / 3, 2 / 3, 0.0]]))
    np.testing.assert_allclose(bands[:, 4], bands[:, 3], atol=1e-6)


def test_the_maker_does_not_compile_for_every_crystal(trained, graphene):
    model = trained[0]
    for reference in graphene.references[:3]:
        maker = BandMaker.of(model.geometry, model.fixed, reference)
        assert maker.band_structure(model.model).sets["learned"].path_energy.shape[1] == 8


# ---- what is refused ---------------------------------------------------------------------------------


def test_molecules_and_crystals_do_not_mix(graphene, choose):
    water = Structure(np.array([8, 1, 1]), np.array([[0.0, 0, 0], [1.8, 0, 0], [0, 1.8, 0]]), name="water")
    mixed = dataclasses.replace(
        graphene,
        references=(*graphene.references, dataclasses.replace(graphene.references[0], structure=water)),
    )
    with pytest.raises(TrainingError, match=r"holds molecules and crystals together; make a dataset of each"):
        arrange(mixed, choose())


def test_a_baseline_of_molecules_is_refused(graphene, choose):
    with pytest.raises(
        TrainingError, match=r"'scf_step' is one of molecules, .* choose one of gfn1, atoms, mean, none"
    ):
        arrange(graphene, choose(baseline="scf_step"))


def test_a_property_that_crystals_lack_is_refused(graphene, choose):
    with pytest.raises(
        TrainingError, match="a crystal has no dipole moment here; choose among orbital energies"
    ):
        arrange(graphene, choose(targets={"dipole": 1.0}))


def test_a_model_of_crystals_refuses_a_molecule(trained):
    water = Structure(np.array([8, 1, 1]), np.array([[0.0, 0, 0], [1.8, 0, 0], [0, 1.8, 0]]), name="water")
    with pytest.raises(StructureError, match="water is a molecule and the model has learned from crystals"):
        trained[0].predict([water])


def test_molecules_of_tight_binding_are_refused(choose):
    water = Structure(np.array([8, 1, 1]), np.array([[0.0, 0, 0], [1.8, 0, 0], [0, 1.8, 0]]), name="water")
    dataset = references([water.moved(water.positions * (1 + 0.01 * k)) for k in range(4)], XTBMethod())
    with pytest.raises(
        TrainingError, match=r"molecules computed with GFN1-xTB, .*; compute the molecules with"
    ):
        arrange(dataset, choose())


def test_orbitals_of_a_cell_describe_themselves():
    orbitals = CellOrbitals("gfn1-xtb")
    assert orbitals.is_tight_binding and orbitals.n_occ(build_layer()) == 4
    pseudo = CellOrbitals("gth-szv", "gth-pbe")
    assert pseudo.n_occ(build_layer()) == 4 and pseudo.shells(6) == (0, 1)


def test_compiling_ahead_takes_a_batch_that_fits(choose):
    """Large cells first: the first ones of the list together would not fit the shape of batches that mix sizes."""
    cells = [supercell(build_polyacetylene(0.02 * k), (2, 1, 1)) for k in range(3)]
    cells += [build_polyacetylene(0.02 * k) for k in range(6)]
    dataset = references(cells, XTBMethod(k_length=10.0))
    chosen = choose(train_fraction=0.7, validation_fraction=0.15, batch_size=3, seed=4)
    arranged = arrange(dataset, chosen)
    ordered = sorted(arranged.split.train, key=lambda k: -dataset.structures[k].n_atoms)
    arranged = dataclasses.replace(arranged, split=dataclasses.replace(arranged.split, train=tuple(ordered)))
    CompiledAhead(arranged, chosen).wait()


# ---- orbitals ----------------------------------------------------------------------------------------


def test_the_state_at_a_k_point_has_the_levels_of_the_bands(trained, graphene):
    """Learned levels by SciPy, the calculation's by its own SCF; at a point of the path as in the results."""
    model, _ = trained
    ref, k = graphene.references[2], np.array([0.13, 0.31, 0.0])
    state = model.crystal_state(ref.structure, k, ref)
    assert list(state.sets) == ["learned", "reference"] and state.n_occ == 4
    np.testing.assert_allclose(
        state.sets["learned"].energy, bands_at(model, ref.structure, k[None])[0], atol=1e-8
    )
    at_gamma = model.crystal_state(ref.structure, np.zeros(3), ref).sets["reference"]
    np.testing.assert_allclose(at_gamma.energy, ref.small.mo_energy[0], atol=1e-6)
    results = model.evaluate(graphene)
    bands = results.band_structure(2).sets["learned"]
    for place in (0, 9):
        learned = results.crystal_state(2, place).sets["learned"]
        np.testing.assert_allclose(learned.energy, bands.path_energy[place], atol=1e-8)


def test_a_run_gives_the_state_of_its_weights(graphene, choose):
    """The snapshot's orbitals solve H(k) C = S(k) C ε with the levels of its own bands."""
    found = []
    train(graphene, choose(epochs=1), report=lambda e: found.append(e) if hasattr(e, "results") else None)
    results = found[-1].results
    state = results.crystal_state(1, 7)
    bands = results.band_structure(1).sets["learned"]
    np.testing.assert_allclose(state.sets["learned"].energy, bands.path_energy[7], atol=1e-8)
    overlap = CellOrbitals("gfn1-xtb").overlap(state.structure, state.k[None])[0]
    orbitals = np.stack([state.orbital("learned", band) for band in range(state.n_bands)], 1)
    np.testing.assert_allclose(orbitals.conj().T @ overlap @ orbitals, np.eye(state.n_bands), atol=1e-8)
