"""What the documentation says is there, is there; its commands are understood, and its snippets run."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

import hamexplorer
from hamexplorer.cli.parser import build_parser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PICTURES = DOCS / "pictures"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"_build", "generated"} & set(path.parts))
GUIDE = [path for path in PAGES if "```python\n" in path.read_text() and path.parent.name == "guide"]


def name_of(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


def fenced(path: Path, language: str) -> list[str]:
    """The code of a page's blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """As MyST and GitHub make it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", "")).replace(" ", "-")


def test_there_are_pages() -> None:
    assert {"index.md", "install.md", "start.md", "theory.md", "pitfalls.md"} <= {name_of(p) for p in PAGES}
    assert len(GUIDE) >= 5


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"(?<!!)\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        file, _, heading = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.is_file(), f"{name_of(page)} links to {target}"
        if heading:
            headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert heading in {anchor(each) for each in headings}, f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_includes_exists(page: Path) -> None:
    text = page.read_text()
    for file in re.findall(r"^```\{(?:image|literalinclude)\} (\S+)$", text, re.MULTILINE):
        assert (page.parent / file).is_file(), f"{name_of(page)} includes {file}"
    for block in re.findall(r"^```\{image\}.*?^```$", text, re.MULTILINE | re.DOTALL):
        assert ":alt: " in block, f"{name_of(page)} has a picture without words"


def test_reference_lists_every_public_name_once() -> None:
    listed = re.findall(r"^ {3}(\w+)$", (DOCS / "api" / "index.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(hamexplorer.__all__)


def test_references_to_code_lead_to_what_the_reference_documents() -> None:
    documented = set(
        re.findall(r"automodule:: (\S+)", "".join(p.read_text() for p in (DOCS / "api").glob("*.md")))
    )
    named = [
        (page, found) for page in PAGES for found in re.findall(r"\{py:\w+\}`([\w.]+)`", page.read_text())
    ]
    assert named
    for page, target in named:
        module, _, name = target.rpartition(".")
        assert hasattr(importlib.import_module(module), name), f"{name_of(page)}: {module}.{name}"
        assert module in documented or (module == "hamexplorer" and name in hamexplorer.__all__)


def test_pictures_are_small_shown_and_taken_by_the_script() -> None:
    shown = "".join(page.read_text() for page in PAGES)
    script = (ROOT / "scripts" / "take_pictures.py").read_text()
    pictures = sorted(PICTURES.iterdir())
    assert pictures
    for path in pictures:
        assert path.suffix == ".png"
        assert path.stat().st_size < 250_000, path.name
        assert f"pictures/{path.name}" in shown, path.name
        assert f'"{path.stem}"' in script, path.name
    assert sum(path.stat().st_size for path in pictures) < 1_500_000
    assert Image.open(PICTURES / "dashboard.png").width == 1440


def commands() -> list[tuple[str, list[str]]]:
    """Page and words of every `hamexplorer …` line in a block of shell commands."""
    found = []
    for page in PAGES:
        for line in "".join(fenced(page, "sh")).splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["hamexplorer"] and "--version" not in words and "--help" not in words:
                found.append((name_of(page), words[1:]))
    return found


def test_there_are_commands() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize(
    ("page", "words"), commands(), ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_commands_are_understood(page: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Names that the examples bring are known only where these are installed: see test_examples.py.
    if page.startswith("extend/"):
        words = ["lowest_n" if word == "fading" else word for word in words]
    build_parser(words).parse_args(words)


def test_grid_and_settings_of_the_guide_are_valid() -> None:
    from hamexplorer.train.settings import RunSettings

    (settings,) = (block for block in fenced(DOCS / "guide" / "training.md", "toml"))
    read = RunSettings.from_dict(tomllib.loads(settings))
    assert read.epochs == 3
    assert dict(read.targets) == {"mo_energy": 1e4, "dipole": 3e1}


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDE, ids=name_of)
def test_snippets_run(page: Path, tmp_path: Path) -> None:
    """All of a page in one script, in order, as a reader types them."""
    script = tmp_path / "page.py"
    script.write_text("\n".join(["import hamexplorer as hx", *fenced(page, "python")]))
    ended = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
