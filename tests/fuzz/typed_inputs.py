"""What people type: SMILES and other words for the sources of structures, and TOML files."""

from __future__ import annotations

from collections.abc import Iterator

from tests.fuzz.inputs import HERE, Input, rng_of
from tests.fuzz.mutations import HOSTILE_NUMBERS, HOSTILE_WORDS, mutate_text

SMILES = (
    "CCO", "c1ccccc1", "C[C@H](N)C(=O)O", "F/C=C\\F", "[NH4+]", "C1CC2CCC1C2", "O=C1NC(=O)C=CN1", "[2H]O[2H]",
    "[Na+].[Cl-]",
)  # fmt: skip


def typed_inputs(count: int) -> Iterator[Input]:
    """SMILES and other words for the sources, mutated and crafted."""
    for k in range(count):
        rng = rng_of("smiles", k)
        smiles = rng.choice(SMILES)
        for _ in range(rng.choice((1, 2, 4))):
            at = rng.randrange(len(smiles) + 1)
            bit = rng.choice(
                (
                    *"CNOFS()[]=#123%+-@/\\.:*$~Hcno",
                    "[U]",
                    "[C+9]",
                    "%99",
                    "[*]",
                    "|x|",
                    ">>",
                    *HOSTILE_WORDS[:6],
                )
            )
            smiles = smiles[:at] + bit + smiles[at + rng.choice((0, 1)) :]
        yield Input(
            f"smiles {smiles[:60]!r}", rng.choice(("source", "form")), {}, {"name": "smiles", "words": smiles}
        )
    for words in (
        "C" * 199, "C" * 100_000, "(" * 100_000, "C(" * 5000 + ")" * 5000, "[" * 100_000, "C1" * 50_000, "\ud800",
        "C\x00C", "",
        " ", "C " * 100_000, "[" + "9" * 5000 + "C]", "[C+" + "9" * 5000 + "]", "C%(" + "9" * 100 + ")", "[#0]",
        "[#118]", "[#119]",
        "[Fe]", "C12C3C4C1C5C2C3C45",
        "C1=CC2=C3C4=C5C6=C2C2=C7C8=C9C%10=C(C%11=C%12C%13=C9C7=C7C9=C%13C(=C%12)C=CC9=CC1=C27)",
        "N" * 66, "C#C" * 40, "C1CC1" * 30, "[Xe]", "[He][He]", "*", "*C", "[H][H]", "[H]", "Cl" * 50,
        "C(F)(F)" * 30, "P" * 60,
        "C1C2C3C4C5C1C6C7C2C8C3C9C4C%10C5C6C%11C7C8C9C%10C%11", "O" * 100, "S" * 90, "[SiH2]" * 60, "C~C", "C->[Fe]",
        "C:C",
        "CCO,seed=99999999999", "CCO,seed=x", "CCO,seed=", "CCO,seed=" + "9" * 5000, "CCO,nothing=1",
        '<img src=x onerror="window.hacked=1">',
    ):  # fmt: skip
        for reader in ("source", "form"):
            yield Input(f"smiles {words[:60]!r}", reader, {}, {"name": "smiles", "words": words})
    atoms = (HERE / "samples" / "atoms.txt").read_text()
    for k in range(count // 2):
        text = mutate_text(rng_of("pasted", k), atoms).decode("utf-8", "replace")
        yield Input(f"pasted {k}", "form", {}, {"name": "text", "words": text})
    for name, words in (
        ("text", "\ud800"), ("text", ""), ("file", "\x00"), ("file", "\ud800.xyz"), ("file", "x" * 5000),
        ("file", "/dev/zero"),
        ("file", "/dev/null"), ("file", "/proc/self/mem"), ("file", "~nobody-at-all/x.xyz"), ("file", "."),
        ("file", ""),
        ("g2", "9" * 5000), ("g2", "<b>"), ("series", "acenes:" + "9" * 5000), ("series", "polyenes:1-" + "9" * 30),
        ("series", "x"),
        ("distorted", "\ud800"), ("distorted", "CC,n=" + "9" * 5000), ("distorted", "CC,amplitude=nan"),
        ("distorted", "g2:\x00"),
        ("distorted", "CC,n=1000000000"), ("distorted", "C" * 100_000),
    ):  # fmt: skip
        yield Input(f"{name} {words[:60]!r}", "source", {}, {"name": name, "words": words})


def toml_inputs(run: str, study: str, each: int) -> Iterator[Input]:
    """Settings of a run and grids of a study."""
    for reader, text in (("run_toml", run), ("study_toml", study)):
        yield Input(f"{reader} as it is", reader, {"content.toml": text.encode()})
        for k in range(each):
            yield Input(f"{reader} {k}", reader, {"content.toml": mutate_text(rng_of(reader, k), text)})
        lines = text.splitlines()
        # A value of another kind at each name, nested ones too.
        values = (
            *(number for number in HOSTILE_NUMBERS if number.strip("-").isascii() and number), "[]", "{}", "[[1]]",
            "true", '""',
            "'<b>'", "1979-05-27", '["a", 1]', "{ a = { b = 1 } }", "[" * 500 + "]" * 500,
            "[" * 50_000 + "]" * 50_000, "1" * 5000,
            "[0" + ",0" * 50_000 + "]", '"\\ud800"', '"' + "x" * 50_000 + '"', "0xffffffffffffffffffff",
            "{ mo_energy = nan }",
        )  # fmt: skip
        places = [k for k, line in enumerate(lines) if "=" in line and not line.startswith("#")]
        for j, value in enumerate(values):
            k = places[j % len(places)]
            changed = [*lines[:k], f"{lines[k].partition('=')[0]}= {value}", *lines[k + 1 :]]
            yield Input(f"{reader} value {value[:30]}", reader, {"content.toml": "\n".join(changed).encode()})
    many = "seeds = [" + ",".join(map(str, range(100_000))) + "]"
    yield Input(
        "study of many seeds", "study_toml", {"content.toml": f'dataset = "ethane"\n{many}\n'.encode()}
    )
    for name in ("datasets", "targets", "models", "reductions", "test_on"):
        huge = f"{name} = [" + ",".join(f'"x{k}"' for k in range(50_000)) + "]"
        text = huge if name == "datasets" else f'dataset = "ethane"\n{huge}'
        yield Input(f"study of many {name}", "study_toml", {"content.toml": text.encode()})
