"""Bands, densities of states, gaps and zones of crystals that textbooks know by formula."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial import ConvexHull

from hamexplorer.plots import PLOTS
from hamexplorer.plots.bands import band_words, k_of_place
from hamexplorer.plots.crystals import why_not_zero
from hamexplorer.plots.dos import density_of_states
from hamexplorer.plots.gaps import Gap
from hamexplorer.plots.wigner_seitz import wigner_seitz
from hamexplorer.plots.zone import zone_vectors
from hamexplorer.structures.paths import KPath, reciprocal
from hamexplorer.train.bands import BandSet

#: CODATA 2022, NIST: one hartree in electronvolt.
HARTREE = 27.211386245981
DIAMOND, GRAPHENE, CHAIN = 0, 1, 2


def trace(figure, uid):
    return next(each for each in figure.data if each.uid == uid)


def drawn(context, crystal=DIAMOND, **more):
    return PLOTS["bands"].figure(replace(context, picked=crystal, **more))


def stretches(line) -> list[np.ndarray]:
    """x of every unbroken part of a line."""
    x = np.array(line.x)
    return [
        part[~np.isnan(part)] for part in np.split(x, np.flatnonzero(np.isnan(x))) if np.isfinite(part).any()
    ]


# ---- bands -------------------------------------------------------------------------------------------------


def test_diamond_at_gamma_is_as_in_the_textbook(crystal_context, textbook):
    """Yu & Cardona, sec. 2.7.2: Γ1 = −|Vss|, Γ25' = ΔE − |Vxx|, Γ15 = ΔE + |Vxx|, Γ2' = |Vss|."""
    line = trace(drawn(crystal_context, sets=("reference",), zero="vbm"), "bands reference")
    place, band = np.array(line.customdata).T
    at_gamma = np.array(line.y)[place == 0]
    v = textbook.DIAMOND
    top = v["splitting"] - v["xx"]
    levels = [v["ss"], *[top] * 3, *[top + 2 * v["xx"]] * 3, -v["ss"]]
    np.testing.assert_allclose(at_gamma, np.sort(levels) - top, atol=1e-4)
    assert band[place == 0].tolist() == list(range(1, 9))


def test_no_line_crosses_the_jump_from_u_to_k(crystal_context):
    figure = drawn(crystal_context)
    line = trace(figure, "bands learned")
    parts = stretches(line)
    assert len(parts) == 2 * 8
    assert parts[0][0] == 0 and parts[0][-1] == pytest.approx(parts[1][0])
    ticks = dict(zip(figure.layout.xaxis.ticktext, figure.layout.xaxis.tickvals, strict=True))
    assert ticks["U|K"] == pytest.approx(parts[0][-1], abs=1e-6)
    # |X - Γ| is 2π/a.
    assert ticks["X"] > ticks["W"] and figure.layout.xaxis.tickvals[1] == pytest.approx(
        2 * np.pi / (3.567 / 0.529177210544), rel=1e-6
    )
    assert "HPKOT" in figure.layout.xaxis.title.text


def test_each_set_has_its_own_zero_the_same_in_bands_and_dos(crystal_context):
    """Bands from E = 0 down and the density of states end at the same energy, in every set and unit."""
    bands = crystal_context.results.band_structure(DIAMOND)
    for units, factor in (("eV", HARTREE), ("Ha", 1.0)):
        for zero, symbol in (("fermi", "F"), ("vbm", "VBM")):
            figure = drawn(crystal_context, zero=zero, units=units, broadening_eV=0.05)
            assert f"<sub>{symbol}</sub>" in figure.layout.yaxis.title.text
            for name, each in bands.sets.items():
                line, dos = trace(figure, f"bands {name}"), trace(figure, f"dos {name}")
                top = np.nanmax(np.where(np.array(line.customdata)[:, 1] == 4, line.y, np.nan))
                assert top == pytest.approx(
                    (each.path_energy[:, 3].max() - each.zero(zero)) * factor, abs=1e-5
                )
                y, x = np.array(dos.y), np.array(dos.x)
                filled = y[(x > 1e-3 * x.max()) & (y < top + 1.0 * factor / HARTREE)]
                assert filled.max() == pytest.approx(top, abs=0.3 * factor / HARTREE)
                assert dos.xaxis == "x2" and dos.yaxis == "y" and line.yaxis is None
            # The density of states integrated to the Fermi level is the number of electrons, in any unit.
            dos = trace(figure, "dos reference")
            fermi = (bands.sets["reference"].fermi - bands.sets["reference"].zero(zero)) * factor
            below = np.array(dos.y) < fermi
            electrons = np.array(dos.x)[below].sum() * (dos.y[1] - dos.y[0])
            assert electrons == pytest.approx(8, abs=1e-4)


def test_the_vacuum_is_a_zero_of_layers_only_and_the_learned_one_is_the_references(crystal_context):
    bands = crystal_context.results.band_structure(GRAPHENE)
    figure = drawn(crystal_context, GRAPHENE, zero="vacuum")
    assert "vac" in figure.layout.yaxis.title.text
    line = trace(figure, "bands learned")
    np.testing.assert_allclose(
        line.y[0], (bands.sets["learned"].path_energy[0, 0] - 0.15) * HARTREE, rtol=1e-5
    )
    diamond = crystal_context.results.band_structure(DIAMOND)
    assert "fills space" in why_not_zero(diamond, "vacuum", crystal_context)
    chain = crystal_context.results.band_structure(CHAIN)
    assert "not known" in why_not_zero(chain, "vacuum", crystal_context)
    assert "<sub>F</sub>" in drawn(crystal_context, CHAIN, zero="vacuum").layout.yaxis.title.text


def test_zoom_survives_updates_until_the_axis_means_something_else(crystal_context):
    revision = drawn(crystal_context).layout.uirevision
    assert revision == drawn(crystal_context, GRAPHENE, fat="element", sets=("raw",)).layout.uirevision
    assert revision != drawn(crystal_context, zero="vbm").layout.uirevision
    assert revision != drawn(crystal_context, units="Ha").layout.uirevision


def test_only_the_sets_that_are_asked_for_and_finite_are_drawn(crystal_context):
    assert [each.uid for each in drawn(crystal_context, sets=("learned",)).data] == [
        "bands learned",
        "dos learned",
    ]
    assert "tick" in PLOTS["bands"].unavailable(replace(crystal_context, sets=()))
    bands = crystal_context.results.band_structure(DIAMOND)
    broken = replace(
        bands.sets["learned"], path_energy=np.full_like(bands.sets["learned"].path_energy, np.nan)
    )
    bands.sets["learned"] = broken
    assert len(drawn(crystal_context).data) == 4
    assert "learned" not in " ".join(band_words(crystal_context))


def test_fat_bands_are_as_wide_as_the_share(crystal_context):
    """The lowest valence band of diamond at Γ is all s, the top of the valence bands all p (Γ1 and Γ25')."""
    figure = drawn(crystal_context, fat="momentum", sets=("learned",), zero="vbm")
    s, p = trace(figure, "fat 0"), trace(figure, "fat 1")
    assert (s.name, p.name) == ("s orbitals", "p orbitals")
    lowest = np.argmin(s.y)
    assert s.x[lowest] == pytest.approx(0, abs=1e-6) and s.marker.size[lowest] == max(s.marker.size)
    at_top = np.array(p.marker.size)[np.abs(p.y) < 1e-4]
    assert at_top.min() == pytest.approx(max(s.marker.size), rel=1e-5)
    assert not (np.abs(s.y) < 1e-4).any()
    elements = drawn(crystal_context, fat="element", sets=("learned",))
    assert trace(elements, "fat 0").name == "C"


def test_projected_densities_add_up_to_the_total(crystal_context):
    figure = drawn(crystal_context, fat="momentum")
    parts = sum(np.array(trace(figure, f"projected {k}").x) for k in range(2))
    np.testing.assert_allclose(parts, trace(figure, "dos learned").x, atol=1e-5)
    raw = drawn(crystal_context, fat="momentum", sets=("raw", "reference"))
    assert "in STO-3G" in trace(raw, "projected 0").hovertemplate
    reference = drawn(crystal_context, fat="momentum", sets=("reference",))
    assert "in def2-SVP" in trace(reference, "projected 0").hovertemplate
    bands = crystal_context.results.band_structure(DIAMOND)
    bare = replace(bands.sets["reference"], path_character=None, mesh_character=None)
    unknown = replace(crystal_context, bands=replace(bands, sets={"reference": bare}))
    without = drawn(unknown, fat="momentum")
    assert [each.uid for each in without.data] == ["bands reference", "dos reference"]


def test_a_large_crystal_is_drawn_in_time(crystal_context, textbook):
    """60 k-points, 26 bands, three sets, 512 points of the mesh; the best of a few, on a busy machine."""
    bands = crystal_context.results.band_structure(DIAMOND)
    random = np.random.default_rng(0)

    def large(n_k: int) -> tuple[np.ndarray, np.ndarray]:
        character = random.dirichlet(np.ones(26), (n_k, 26))
        return np.sort(random.uniform(-0.8, 1.0, (n_k, 26))), character

    for name in list(bands.sets):
        (path, on_path), (mesh, on_mesh) = large(61), large(512)
        bands.sets[name] = replace(
            bands.sets[name],
            path_energy=path,
            mesh_energy=mesh,
            path_character=on_path,
            mesh_character=on_mesh,
            n_occ=8,
            fermi=0.0,
        )
    orbitals = tuple(("C" if k < 13 else "N", "spd"[k % 3]) for k in range(26))
    crystal_context.results.dataset.bands[0].__dict__["orbitals"] = orbitals
    took = []
    for _ in range(5):
        began = time.perf_counter()
        figure = drawn(crystal_context, fat="momentum")
        took.append(time.perf_counter() - began)
    print(f"figure of 3 × 26 bands: {1e3 * min(took):.0f} ms, {len(figure.to_json())} characters")
    assert min(took) < 0.2
    assert all(len(each.x) <= 500 for each in figure.data if each.xaxis == "x2")
    assert sum(len(each.x) for each in figure.data if each.uid.startswith("fat")) < 1700


# ---- density of states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("broadening", [0.05, 0.2, 1.0])
def test_the_density_of_states_is_a_sum_of_gaussians(broadening):
    random = np.random.default_rng(1)
    energy, weights = random.normal(0, 3, (10, 4)), random.dirichlet(np.ones(10))
    grid = np.linspace(-15, 15, 3001)
    found = density_of_states(energy, weights, grid, broadening)
    gauss = np.exp(-(((grid - energy[..., None]) / broadening) ** 2) / 2) / (broadening * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(found, 2 * np.einsum("k,kne->e", weights, gauss), atol=0.01 * found.max())


@pytest.mark.parametrize("n_points", [40, 500])
def test_the_density_of_states_counts_electrons_on_any_grid(textbook, n_points):
    """Of graphene, a semi-metal, two of four π electrons a cell and pair of bands lie below the Fermi level."""
    each = textbook.graphene().sets["reference"]
    grid = np.linspace(-1, 1, n_points) + each.fermi
    dos = density_of_states(each.mesh_energy, each.mesh_weights, grid, 0.2 / HARTREE)
    step = grid[1] - grid[0]
    assert dos.sum() * step == pytest.approx(4, abs=1e-9)
    assert dos[: n_points // 2].sum() * step == pytest.approx(2, abs=1e-9)  # the grid is symmetric around it


def test_states_outside_the_grid_count_with_their_tails_only():
    dos = density_of_states(np.array([[-3.0, 0.0, 9.0]]), np.ones(1), np.linspace(-2, 2, 401), 0.1)
    assert dos.sum() * 0.01 == pytest.approx(2, abs=1e-6)


# ---- gaps ------------------------------------------------------------------------------------------------------


def test_gaps_in_words(crystal_context, textbook):
    words = band_words(replace(crystal_context, picked=CHAIN))
    gap = 2 * (textbook.STRONG - textbook.WEAK) * HARTREE
    assert words[1] == f"reference def2-SVP: direct gap of {gap:.2f} eV at X."
    assert words[0].startswith("raw STO-3G: direct gap of")
    assert "own" not in words[0] and "each set itself" in words[-1] and "STO-3G +3.00" in words[-1]
    graphene = band_words(replace(crystal_context, picked=GRAPHENE))
    assert graphene[1] == "reference def2-SVP: no gap: valence and conduction band touch at K."
    assert band_words(replace(crystal_context, picked=None)) == []
    figure = drawn(crystal_context, CHAIN)
    assert trace(figure, "bands reference").name == f"def2-SVP: {gap:.2f} eV direct"


LINE = KPath(np.linspace([0, 0, 0], [0.5, 0, 0], 21), ((0, "Γ"), (20, "X")), "a line")


def two_bands(valence, conduction, mesh=slice(None)) -> BandSet:
    k = np.linspace(0, np.pi, 21)
    energy = np.stack([valence(k), conduction(k)], axis=1)
    return BandSet(energy, energy[mesh], np.full(len(energy[mesh]), 1 / len(energy[mesh])), 1, 0.0)


def test_an_indirect_gap_says_where():
    gap = Gap.of(two_bands(lambda k: np.cos(k) - 2, lambda k: np.cos(k) + 2), LINE)
    assert gap.energy == pytest.approx(2) and gap.direct_energy == pytest.approx(4) and not gap.is_direct
    sentence = gap.sentence(1.0, "Ha", 1)
    assert sentence == (
        "indirect gap of 2.0 Ha, valence band highest at Γ, conduction band lowest at X; "
        "smallest direct gap 4.0 Ha at Γ"
    )
    assert gap.short(1.0, "Ha", 1) == "2.0 Ha indirect"
    between = Gap.of(two_bands(lambda k: np.cos(k) - 2, lambda k: 2 + (k - 2) ** 2), LINE)
    assert "conduction band lowest between Γ and X" in between.sentence(1.0, "Ha", 1)


def test_overlapping_bands_are_a_metal_and_a_missing_band_is_no_gap():
    metal = Gap.of(two_bands(lambda k: np.cos(k), lambda k: np.cos(k) + 0.5), LINE)
    assert metal.sentence(1.0, "Ha", 1) == "no gap: the bands overlap by 1.5 Ha, a metal"
    assert metal.short(1.0, "Ha", 1) == "no gap"
    full = replace(two_bands(np.cos, np.cos), n_occ=2)
    assert Gap.of(full, LINE).short(1.0, "Ha", 1) == ""
    assert "no empty band" in Gap.of(full, LINE).sentence(1.0, "Ha", 1)


def test_a_gap_off_the_path_is_found_on_the_mesh():
    bands = two_bands(lambda k: np.cos(k) - 2, lambda k: np.cos(k) + 2)
    bands = replace(bands, mesh_energy=np.array([[-0.5, 2.0]]), mesh_weights=np.ones(1))
    gap = Gap.of(bands, LINE)
    assert gap.energy == pytest.approx(1.5) and gap.top == "off the path" and gap.bottom == "at X"


# ---- zone ------------------------------------------------------------------------------------------------------


#: Ashcroft & Mermin, ch. 5: the zones of fcc (truncated octahedron), bcc (rhombic dodecahedron), sc and hcp.
@pytest.mark.parametrize(
    ("kind", "faces", "corners"), [("fcc", 14, 24), ("bcc", 12, 14), ("sc", 6, 8), ("hcp", 8, 12)]
)
def test_zones_of_bulk_crystals(kind, faces, corners):
    cell = bulk("Mg", kind, a=3.2).cell.array
    found, rings = wigner_seitz(reciprocal(cell))
    assert (len(rings), len(found)) == (faces, corners)
    edges = sum(len(ring) for ring in rings) // 2
    assert len(found) - edges + len(rings) == 2  # Euler
    hull = ConvexHull(found)
    assert hull.volume == pytest.approx((2 * np.pi) ** 3 / abs(np.linalg.det(cell)))
    assert hull.area == pytest.approx(sum(area(found[ring]) for ring in rings))


def area(ring: np.ndarray) -> float:
    """Of a polygon whose corners are in order."""
    return (
        float(np.linalg.norm(np.cross(ring - ring.mean(0), np.roll(ring, -1, 0) - ring.mean(0)).sum(0))) / 2
    )


def test_a_skew_cell_has_the_zone_of_its_lattice():
    cell = bulk("Mg", "fcc", a=3.2).cell.array
    skew = np.array([[1, 0, 0], [3, 1, 0], [-4, 2, 1]]) @ cell
    found, rings = wigner_seitz(reciprocal(skew))
    assert (len(rings), len(found)) == (14, 24)


def test_zones_of_layers_and_chains(textbook):
    layer = textbook.graphene().structure
    vectors = zone_vectors(layer.cell, layer.pbc)
    corners, (ring,) = wigner_seitz(vectors)
    assert len(ring) == len(corners) == 6
    surface = np.linalg.norm(np.cross(*layer.cell[:2]))
    assert area(corners) == pytest.approx((2 * np.pi) ** 2 / surface)
    chain = textbook.chain().structure
    ends, _ = wigner_seitz(zone_vectors(chain.cell, chain.pbc))
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(2 * np.pi / np.linalg.norm(chain.cell[0]))


@pytest.mark.parametrize("turn", [np.eye(3), np.roll(np.eye(3), 1, axis=0)])
def test_the_zone_of_a_layer_does_not_depend_on_its_vacuum(textbook, turn):
    """K is a corner of the hexagon, also where the third vector leans and the axes are named otherwise."""
    layer = textbook.graphene().structure
    leaning = layer.cell.copy()
    leaning[2] += [3.0, 1.0, 0.0]
    vectors = zone_vectors(turn @ leaning, tuple(turn @ np.array(layer.pbc) > 0))
    corners, _ = wigner_seitz(vectors)
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 4 * np.pi / 3 / np.linalg.norm(layer.cell[0]))


def test_the_zone_marks_the_corners_of_the_path(crystal_context):
    diamond = PLOTS["zone"].figure(crystal_context)
    (special,) = (each for each in diamond.data if each.name == "points of high symmetry")
    assert sorted(special.text) == sorted("ΓXUKLW")
    (path,) = (each for each in diamond.data if each.meta == {"link": "places"})
    # Every place once, and a gap where the path jumps.
    assert [k for k in path.customdata if k >= 0] == list(range(61)) and path.customdata.count(-1) == 1
    fractions, cartesian = k_of_place(crystal_context, 40)
    at = path.customdata.index(40)
    np.testing.assert_allclose([path.x[at], path.y[at], path.z[at]], cartesian, atol=1e-4)
    assert path.text[at] == f"k = ({', '.join(f'{x:.3g}' for x in np.round(fractions, 4))})"
    graphene = PLOTS["zone"].figure(replace(crystal_context, picked=GRAPHENE))
    assert {each.type for each in graphene.data} == {"scatter"}
    assert k_of_place(crystal_context, 999) is None


# ---- molecules and crystals ----------------------------------------------------------------------------------


def test_molecules_have_levels_and_crystals_bands_and_each_plot_says_so(context, crystal_context):
    for name in ("bands", "zone"):
        assert "levels instead of bands" in PLOTS[name].unavailable(context)
        assert "Pick a crystal" in PLOTS[name].unavailable(replace(crystal_context, picked=None))
        assert "not in the dataset" in PLOTS[name].unavailable(replace(crystal_context, picked=99))
    assert "bands instead of levels" in PLOTS["levels"].unavailable(crystal_context)


def test_plots_of_crystals_do_not_speak_of_molecules(crystal_context):
    for name in ("parity", "errors"):
        text = PLOTS[name].figure(crystal_context).to_json()
        assert "molecule" not in text and "HOMO" not in text and "crystal" in text
        assert "Band energies" in text
        nothing = replace(
            crystal_context.results, split=type(crystal_context.results.split)(train=(), test=())
        )
        sentence = PLOTS[name].unavailable(replace(crystal_context, results=nothing, part="test"))
        assert "test crystal" in sentence
