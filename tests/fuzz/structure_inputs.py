"""Structure files: a real small one of every format, each spoiled in many ways; and uploads of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.fuzz.crafted_structures import crafted_structures
from tests.fuzz.inputs import HERE, Input, rng_of
from tests.fuzz.matrix_inputs import CHAIN
from tests.fuzz.mutations import mutate_bytes, mutate_text
from tests.fuzz.packed import npz_of
from tests.fuzz.structure_samples import IN_PART, NAMES, database, structure_texts


def structure_inputs(each: int) -> Iterator[Input]:
    """Every text format, as often; names and formats that do not fit; and databases."""
    texts = structure_texts()
    for name, (text, filename, format) in texts.items():
        yield Input(
            f"{name} {'in part' if name in IN_PART else 'as it is'}",
            "structures",
            {"content": text.encode()},
            {"filename": filename, "format": format},
        )
        for k in range(each):
            rng = rng_of(name, k)
            options: dict[str, Any] = {"filename": filename, "format": format}
            if k % 10 == 9:
                # Under another name, or as pasted.
                options = {
                    "filename": rng.choice([other[1] for other in texts.values()] + NAMES),
                    "format": None,
                }
            yield Input(f"{name} {k}", "structures", {"content": mutate_text(rng, text)}, options)
    for name in ("db", "traj"):
        content = database(name)
        options = {"filename": f"z.{name}"}
        yield Input(f"{name} as it is", "structures", {"content": content}, options)
        for k in range(2 * each):
            yield Input(
                f"{name} {k}", "structures", {"content": mutate_bytes(rng_of(name, k), content)}, options
            )
    for k, (content, filename) in enumerate(crafted_structures()):
        yield Input(
            f"crafted {k} {filename[:40]}", "structures", {"content": content}, {"filename": filename}
        )


def upload_inputs(count: int) -> Iterator[Input]:
    """A share of the structure files, as the dashboard takes them."""
    everything = [each for each in structure_inputs(6) if len(each.files["content"]) < 200_000]
    for k in range(count):
        each = rng_of("upload", k).choice(everything)
        yield Input(f"upload of ({each.label})", "upload", each.files, {"filename": each.options["filename"]})
    chain = npz_of(CHAIN)
    foreign = (HERE.parent / "reference" / "foreign.xyz").read_text()
    for k in range(count // 6):
        rng = rng_of("uploaded matrices", k)
        yield Input(
            f"upload of npz {k}", "upload", {"content": mutate_bytes(rng, chain)}, {"filename": "a.npz"}
        )
        yield Input(
            f"upload of references {k}",
            "upload",
            {"content": mutate_text(rng, foreign)},
            {"filename": "a.xyz"},
        )
