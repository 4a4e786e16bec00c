"""Ways to spoil a file: what editors, broken disks and people with bad intentions do to one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

#: What stands where a number was.
HOSTILE_NUMBERS = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e400", "-1", "0", "-0.0", "1e-320", "2147483648", str(10**12),
    str(-(10**30)), "9" * 5000, "1_0", "0x10", "٣", "²", "1/0", "1e", "--1", "",
)  # fmt: skip
#: What stands where a word was.
HOSTILE_WORDS = (
    '<img src=x onerror="window.hacked=1">', "../../../../etc/passwd", "\x00", "\ufeff", "\u202e", "💥", "X", "Qq",
    "'", '"', "{", "}", "[[[[", "=", "\\", "%s%n", "__import__('os')", "a" * 3000, "\x1b[31m", "\u2028",
)  # fmt: skip
#: Whole numbers in eight bytes, as a header of a binary file may hold them.
HOSTILE_WHOLE = (0, 1, -1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63), 10**12)

_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[^\s,;:={}\[\]()\"']+")

Text = Callable[[random.Random, str], str]
Binary = Callable[[random.Random, bytes], bytes]


def mutate_text(rng: random.Random, text: str) -> bytes:
    """One to three changes, then an encoding."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        text = rng.choice(TEXTS)(rng, text)
    return rng.choice(ENCODINGS)(rng, text)


def mutate_bytes(rng: random.Random, content: bytes) -> bytes:
    """One to three changes to a binary file."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = rng.choice(BINARIES)(rng, content)
    return content


def _lines(change: Callable[[random.Random, list[str]], None]) -> Text:
    def changed(rng: random.Random, text: str) -> str:
        lines = text.split("\n")
        change(rng, lines)
        return "\n".join(lines)

    return changed


def _delete_line(rng: random.Random, lines: list[str]) -> None:
    del lines[rng.randrange(len(lines))]


def _repeat_line(rng: random.Random, lines: list[str]) -> None:
    k = rng.randrange(len(lines))
    lines[k:k] = [lines[k]] * rng.choice((1, 1, 2, 300))


def _swap_lines(rng: random.Random, lines: list[str]) -> None:
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]


def _empty_line(rng: random.Random, lines: list[str]) -> None:
    lines[rng.randrange(len(lines))] = rng.choice(("", " " * 500, "\t", "#", "!"))


def _join_lines(rng: random.Random, lines: list[str]) -> None:
    k = rng.randrange(len(lines))
    lines[k : k + 2] = [" ".join(lines[k : k + 2])]


def _words(pattern: re.Pattern[str], change: Callable[[random.Random, str], str]) -> Text:
    def changed(rng: random.Random, text: str) -> str:
        found = list(pattern.finditer(text))
        if not found:
            return text
        # Counts and lattices stand at the beginning, and matter most.
        at = rng.choice(found[:12]) if rng.random() < 0.5 else rng.choice(found)
        return text[: at.start()] + change(rng, at.group()) + text[at.end() :]

    return changed


def _swap_words(rng: random.Random, text: str) -> str:
    found = list(_WORD.finditer(text))
    if len(found) < 2:
        return text
    a, b = sorted(rng.sample(found, 2), key=lambda match: match.start())
    return text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]


def _truncate(rng: random.Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _change_character(rng: random.Random, text: str) -> str:
    if not text:
        return text
    k = rng.randrange(len(text))
    return text[:k] + rng.choice("0129.-+eE \t\n\r\x00\x0b\x85\"'=,;:()[]{}#<>&äπ\u2028") + text[k + 1 :]


def _long_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    filler = rng.choice(("a", " ", "(", "[", "a={ ", '"', "1 ", "9", "a=", "C"))
    lines[rng.randrange(len(lines))] += filler * (100_000 // len(filler))
    return "\n".join(lines)


def _many(rng: random.Random, text: str) -> str:
    return text * rng.choice((2, 3, 20))


TEXTS: tuple[Text, ...] = (
    *map(_lines, (_delete_line, _repeat_line, _swap_lines, _empty_line, _join_lines)),
    _words(_NUMBER, lambda rng, _: rng.choice(HOSTILE_NUMBERS)),
    _words(_NUMBER, lambda rng, _: rng.choice(HOSTILE_NUMBERS)),
    _words(_NUMBER, lambda rng, _: rng.choice(HOSTILE_NUMBERS)),
    _words(_NUMBER, lambda rng, was: was + rng.choice("0159")),
    _words(_WORD, lambda rng, _: rng.choice(HOSTILE_WORDS)),
    _words(_WORD, lambda rng, _: rng.choice(HOSTILE_WORDS)),
    _words(_WORD, lambda rng, _: ""),
    _words(_WORD, lambda rng, was: f"{was} {was}"),
    _swap_words,
    _truncate,
    _change_character,
    _change_character,
    _long_line,
    _many,
)

ENCODINGS: tuple[Callable[[random.Random, str], bytes], ...] = (
    *[lambda rng, text: text.encode()] * 6,
    lambda rng, text: text.replace("\n", "\r\n").encode(),
    lambda rng, text: text.replace("\n", "\r").encode(),
    lambda rng, text: text.encode("utf-8-sig"),
    lambda rng, text: text.encode("utf-16"),
    lambda rng, text: text.encode("utf-16")[:-1],
    lambda rng, text: text.encode("latin-1", "replace"),
    lambda rng, text: text.encode() + b"\xed\xa0\x80",  # a lone surrogate
    lambda rng, text: text.encode("utf-32"),
)


def _flip(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _head_cut(rng: random.Random, content: bytes) -> bytes:
    return content[rng.randrange(1, 64) :]


def _whole(rng: random.Random, content: bytes) -> bytes:
    """Eight bytes of the first kilobyte, or anywhere, become a whole number."""
    if len(content) < 16:
        return content
    at = 8 * rng.randrange(min(len(content), rng.choice((128, 1024, len(content)))) // 8)
    return content[:at] + rng.choice(HOSTILE_WHOLE).to_bytes(8, "little", signed=True) + content[at + 8 :]


def _blank(rng: random.Random, content: bytes) -> bytes:
    at, n = rng.randrange(len(content) + 1), rng.choice((4, 64, 1000))
    return content[:at] + rng.choice((b"\x00", b"\xff")) * n + content[at + n :]


def _move(rng: random.Random, content: bytes) -> bytes:
    a, b = rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)
    n = rng.choice((8, 100, 2000))
    return content[:a] + content[b : b + n] + content[a + n :]


def _number_in_text(rng: random.Random, content: bytes) -> bytes:
    """A number in the text within a binary file, such as a shape in its header; its length stays."""
    found = list(re.finditer(rb"\d+", content))
    if not found:
        return content
    at = rng.choice(found)
    digits = bytes(rng.choice(b"0123456789") for _ in at.group())
    return content[: at.start()] + digits + content[at.end() :]


BINARIES: tuple[Binary, ...] = (_flip, _flip, _cut, _head_cut, _whole, _whole, _blank, _move, _number_in_text)
