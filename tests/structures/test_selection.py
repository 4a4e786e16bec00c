"""Selections follow their text; a split covers everything once."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamexplorer.errors import HamExplorerError, SettingsError, StructureError
from hamexplorer.structures import SPLITS, Split, from_smiles, g2_chno, select, split_structures
from hamexplorer.structures.selection import indices_in_range

G2 = g2_chno()


@pytest.mark.parametrize(
    ("elements", "allowed"),
    [
        ("C H", lambda e: e <= {"C", "H"}),
        ("c, h", lambda e: e <= {"C", "H"}),
        ("+N", lambda e: "N" in e),
        ("-O", lambda e: "O" not in e),
        ("C H N +N", lambda e: e <= {"C", "H", "N"} and "N" in e),
        ("+N +O", lambda e: {"N", "O"} <= e),
        ("", lambda e: True),
        (None, lambda e: True),
    ],
)
def test_selection_by_element(elements, allowed):
    chosen = select(G2, elements=elements)
    assert chosen == [i for i, s in enumerate(G2) if allowed(set(s.elements))]
    assert chosen


@given(low=st.integers(0, 7), high=st.integers(0, 7))
def test_selection_by_size_counts_heavy_atoms(low, high):
    if low > high:
        with pytest.raises(SettingsError, match="swap"):
            select(G2, min_atoms=low, max_atoms=high)
    else:
        chosen = select(G2, min_atoms=low, max_atoms=high)
        assert chosen == [i for i, s in enumerate(G2) if low <= s.n_heavy <= high]


@given(
    n=st.integers(0, 40),
    start=st.none() | st.integers(-50, 50),
    stop=st.none() | st.integers(-50, 50),
    step=st.none() | st.integers(1, 9),
)
def test_ranges_mean_what_python_means(n, start, stop, step):
    text = ":".join("" if part is None else str(part) for part in (start, stop, step))
    assert indices_in_range(text, n) == list(range(n))[start:stop:step]


@given(st.text("0123456789:-, x", max_size=12), st.integers(0, 30))
def test_any_text_gives_positions_that_exist_or_a_sentence(text, n):
    try:
        chosen = indices_in_range(text, n)
    except HamExplorerError:
        return
    assert chosen == sorted(set(chosen))
    assert all(0 <= i < n for i in chosen)


def test_ranges_are_joined_by_commas_and_single_positions_count():
    assert indices_in_range("0:3, 7, -1", 10) == [0, 1, 2, 7, 9]


def test_conditions_hold_together():
    chosen = select(G2, elements="+N", max_atoms=3, index_range="::2")
    assert chosen == [i for i in range(0, len(G2), 2) if "N" in G2[i].elements and G2[i].n_heavy <= 3]


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"elements": "C Qq"}, "'Qq' is not an element"),
        ({"elements": "C2H6"}, "'C2H6' is not an element"),
        ({"index_range": "a:b"}, "no range"),
        ({"index_range": "::0"}, "at least 1"),
        ({"index_range": "::-1"}, "at least 1"),
        ({"index_range": "99"}, r"no structure 99; there are \d+ structures"),
    ],
)
def test_conditions_that_mean_nothing_get_a_sentence(conditions, words):
    with pytest.raises(SettingsError, match=words):
        select(G2, **conditions)


fractions = st.floats(0.01, 0.9)


@given(
    n=st.integers(3, len(G2)),
    by=st.sampled_from(sorted(SPLITS)),
    train=fractions,
    validation=fractions,
    seed=st.integers(0, 99),
)
def test_a_split_covers_everything_once_and_leaves_no_part_empty(n, by, train, validation, seed):
    if train + validation >= 1:
        train, validation = train / 2, validation / 2
    split = split_structures(G2[:n], by=by, train=train, validation=validation, seed=seed)
    assert sorted(split.train + split.validation + split.test) == list(range(n))
    assert min(len(split.train), len(split.validation), len(split.test)) >= 1
    assert all(list(part) == sorted(part) for part in (split.train, split.validation, split.test))
    assert split == split_structures(G2[:n], by=by, train=train, validation=validation, seed=seed)
    for name in ("train", "validation", "test"):
        assert all(split.part_of(i) == name for i in getattr(split, name))


def test_the_papers_fractions_of_a_hundred():
    ethanes = [from_smiles("CC")] * 100
    split = split_structures(ethanes, train=0.7, validation=0.2, seed=42)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [70, 20, 10]


def test_seeds_decide_a_random_split():
    splits = {split_structures(G2, train=0.7, validation=0.2, seed=seed).test for seed in range(5)}
    assert len(splits) == 5


@given(seed=st.integers(0, 20))
def test_by_size_the_test_part_holds_the_largest(seed):
    split = split_structures(G2, by="size", train=0.6, validation=0.2, seed=seed)
    heavy = [s.n_heavy for s in G2]
    assert max(heavy[i] for i in split.train) <= min(heavy[i] for i in split.validation)
    assert max(heavy[i] for i in split.validation) <= min(heavy[i] for i in split.test)


@pytest.mark.parametrize(
    ("train", "validation"),
    [(0.0, 0.2), (0.7, 0.0), (0.8, 0.2), (0.9, 0.9), (-0.1, 0.2), (float("nan"), 0.2)],
)
def test_fractions_must_leave_something_for_each_part(train, validation):
    with pytest.raises(SettingsError, match=r"together below 1.*0\.7 and 0\.2"):
        split_structures(G2, train=train, validation=validation, seed=0)


def test_other_mistakes_get_sentences():
    with pytest.raises(StructureError, match=r"there are 2 structures.*at least 3"):
        split_structures(G2[:2], train=0.5, validation=0.2, seed=0)
    with pytest.raises(SettingsError, match="'colour' is unknown; choose one of random, size"):
        split_structures(G2, by="colour", train=0.5, validation=0.2, seed=0)
    with pytest.raises(SettingsError, match="structure 9 is in no part"):
        Split((0,), (1,), (2,)).part_of(9)


def test_held_out_structures_are_the_test_part_whatever_the_seed():
    structures = G2[:12]
    names = f"{structures[2].key[:12]}, {structures[7].key[:10]}"
    found = [
        split_structures(structures, train=0.5, validation=0.25, seed=seed, held_out=names)
        for seed in (1, 2, 3)
    ]
    assert all(split.test == (2, 7) for split in found)
    assert len({split.train for split in found}) > 1
    for split in found:
        assert sorted((*split.train, *split.validation, *split.test)) == list(range(12))
        assert len(split.train) == 7


def test_what_cannot_be_held_out_is_said():
    structures = G2[:5]
    with pytest.raises(
        SettingsError, match="'feedbeef' that should be held out for the test is not among the 5"
    ):
        split_structures(structures, train=0.6, validation=0.2, seed=1, held_out="feedbeef")
    keys = " ".join(structure.key[:12] for structure in structures[1:])
    with pytest.raises(SettingsError, match="4 structures are held out of 5, which leaves 1"):
        split_structures(structures, train=0.6, validation=0.2, seed=1, held_out=keys)


def test_fewer_to_learn_from_are_nested_and_move_nothing_else():
    split = functools.partial(split_structures, G2[:20], train=0.6, validation=0.2, seed=3)
    whole, five, nine, many = (split(train_at_most=n) for n in (0, 5, 9, 50))
    assert whole == many and not whole.unused
    assert len(five.train) == 5 and set(five.train) < set(nine.train) < set(whole.train)
    for fewer in (five, nine):
        assert (fewer.validation, fewer.test) == (whole.validation, whole.test)
        assert sorted((*fewer.train, *fewer.unused)) == list(whole.train) and len(fewer) == 20
        assert {fewer.part_of(k) for k in fewer.unused} == {""}
