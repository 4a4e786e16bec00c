"""The lessons run from top to bottom, and what they claim is what they measure."""

from __future__ import annotations

import json
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("lesson_*.ipynb"))
#: A class does not wait longer, on two slow cores.
MOST_SECONDS = 300

#: What a lesson's answers stand on, in its own words; evaluated when it has run.
CLAIMS = {
    "lesson_0_tour": [
        "abs((e := panels.session.dataset.references[0]).small.mo_energy - e.large.mo_energy[:16]).mean() * 27.2 > 3",
        "panels.session.why_not('start') == ''",
    ],
    "lesson_1_hamiltonian": [
        "difference < 1e-4",
        "error(by_coordinates, 0) < 0.1",
        "error(by_coordinates, 30) > 10 * error(by_coordinates, 0)",
        "abs(error(by_blocks, 90) - error(by_blocks, 0)) < 1e-4",
        "np.abs(np.diff(valence(methane)[1:])).max() < 1e-3",
        "sorted((np.diff(valence(stretched(0.1))[1:]) > 0.05).tolist()) == [False, True]",
    ],
    "lesson_2_direct_indirect": [
        "1e3 * matrix.mae < 10",
        "off(direct, small) < 0.05 and off(direct, large) > 3",
        "off(indirect, large) < 0.3 and off(indirect, small) > 3",
        "with_dipole['dipole'].mae < 0.7 * levels_alone['dipole'].mae",
        "with_dipole['mo_energy'].mae < 1.5 * levels_alone['mo_energy'].mae",
        "profile(projected)[:9].max() < 0.2 and profile(projected)[9] > 1",
    ],
    "lesson_3_small_basis": [
        "shares['the polarizability'] > shares['the gap'] + 0.1",
        "profiles['lowest n'].max() < 0.7",
        "profiles['occupied + 1'][:10].max() < 0.5 and profiles['occupied + 1'][10:].max() > 1",
        "errors['mo_energy'].raw_mae > 5 * errors['mo_energy'].mae",
        "seconds['model'] < seconds['def2-SVP']",
    ],
    "lesson_4_several_targets": [
        "np.allclose(by_hand, answers(1.0, 0.4))",
        "left[0][:2].max() < 1e-2 < left[-1][:2].min() and left[-1][2] < 1e-2 < left[0][2]",
        "all(found['ε + μ + α'][t].mae > 1.2 * found['ε + μ'][t].mae for t in ('mo_energy', 'dipole'))",
        "all(found['ε + μ + α, atoms help'][t].mae < 1.1 * found['ε + μ'][t].mae for t in ('mo_energy', 'dipole'))",
        "4 * found['ε + μ + α, atoms help']['polarizability'].mae < found['ε + μ + α']['polarizability'].mae",
    ],
    "lesson_5_hybrid_surrogate": [
        "means[2] - means[8] > 2 * (means[8] - means[20]) > 0 and means[20] > 1",
        "2 * off['matrix'] < off['curve']",
        "all(of_hybrid[n] < of_surrogate[n] for n in (14, 16, 18, 20))",
        "of_surrogate[20] > 1.5 * of_surrogate[10] and of_hybrid[20] - of_hybrid[10] < 0.05",
        "max(raw_errors.values()) < 1.5 * min(raw_errors.values()) and min(raw_errors.values()) > of_hybrid[20]",
    ],
    "lesson_6_crystals": [
        "abs((chain(0.2).data[1].y - chain(0.2).data[0].y).min() - 0.8) < 1e-3",
        "np.corrcoef(moved, gaps)[0, 1] > 0.98 and min(gaps) < 0.1 < max(gaps)",
        "mean_error < 0.02",
        "at_K[4] - at_K[3] < 0.1 * mean_error and there[4] - there[3] > 0.1",
        "split_open > 3",
        "near.sum() == 4",
    ],
    "lesson_7_using_it": [
        "means['learned'] < 0.7 * means['minao'] and min(means, key=means.get) == 'learned'",
        "from_atoms - 2 <= from_model <= from_atoms",
        "all(row.mae < 0.7 * row.raw_mae for row in (errors[name] for name in settings.targets))",
        "np.diff([next(m.gap_eV for m in found if m.name == name) for name in"
        " ('ethene', 'butadiene', 'hexatriene', 'octatetraene')]).max() < -0.2",
        "[m.name for m in found if m.reason] == ['table salt']",
        "all(m.remark for m in found if m.name in ('naphthalene', 'glucose'))",
    ],
}
#: Whether every question of the lesson accepts its own answer, and no other option.
QUESTIONS = """
from hamexplorer.panels.question import Question
asked = [value for value in globals().values() if isinstance(value, Question)]
assert len(asked) >= 2
for question in asked:
    answer = question._found()
    assert question.guess(answer), (question, answer)
    for other in set(getattr(question._guess, "options", ())) - {answer}:
        assert not question.guess(other), (question, other)
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_in_minutes_and_its_claims_hold(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    claims = [f"assert {claim}, {claim!r}" for claim in CLAIMS[path.stem]]
    notebook.cells += [nbformat.v4.new_code_cell(text) for text in ("\n".join(claims), QUESTIONS)]
    began = time.monotonic()
    NotebookClient(notebook, timeout=MOST_SECONDS, resources={"metadata": {"path": tmp_path}}).execute()
    assert time.monotonic() - began < MOST_SECONDS


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_without_what_they_print(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)
