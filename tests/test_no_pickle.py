"""No file can bring code along: nothing in the package unpickles, evaluates or imports by a name from a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hamexplorer"
#: Modules that turn bytes into objects of any kind, or run what they are given.
_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "torch",
    "yaml",
    "runpy",
    "code",
}
#: Functions that run text.
_FUNCTIONS = {"eval", "exec", "compile", "__import__"}
#: Attributes of any module that unpickle, or run a command through a shell.
_ATTRIBUTES = {"read_pickle", "popen", "literal_eval"}
#: What NumPy unpickles where it is not told otherwise.
_NUMPY = {"load", "read_array"}


def faults_of(source: str) -> Iterator[str]:
    """What a module does that could run code of a file, with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = [each.name for each in names if each.name.split(".")[0] in _MODULES]
            case ast.ImportFrom(module=str(module), names=names):
                found = [module] if module.split(".")[0] in _MODULES else []
                found += [each.name for each in names if each.name in _ATTRIBUTES]
            case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS:
                found = [name]
            case ast.Call(func=ast.Attribute(attr=name, value=value), keywords=keywords):
                of = ast.unparse(value)
                found = [name] if name in _ATTRIBUTES or (of, name) == ("os", "system") else []
                if (
                    of in ("np", "numpy", "npy", "np.lib.format")
                    and name in _NUMPY
                    and not _refuses(keywords)
                ):
                    found.append(f"{of}.{name} without allow_pickle=False")
                if any(k.arg == "shell" and not _is(k.value, False) for k in keywords):
                    found.append("shell")
            case ast.keyword(arg="allow_pickle", value=value) if not _is(value, False):
                found = ["allow_pickle"]
            case _:
                found = []
        yield from (f"line {getattr(node, 'lineno', 0)}: {each}" for each in found)


def _is(value: ast.expr, constant: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def _refuses(keywords: list[ast.keyword]) -> bool:
    return any(k.arg == "allow_pickle" and _is(k.value, False) for k in keywords)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_runs_what_a_file_brings(path: Path) -> None:
    assert list(faults_of(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import yaml.loader",
        "eval(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "npy.read_array(file, allow_pickle=flag)",
        "pandas.read_pickle(path)",
        "os.system(name)",
        "subprocess.run(name, shell=True)",
        "import torch",
    ],
)
def test_each_of_these_would_be_noticed(source: str) -> None:
    assert list(faults_of(source))


def test_formats_that_ase_unpickles_or_runs_cannot_be_asked_for() -> None:
    from ase.io.formats import ioformats

    from hamexplorer.structures.ase_formats import ASE_FORMATS

    assert set(ASE_FORMATS) <= set(ioformats)
    # Databases on servers, directories, programs' own restart files, and Python itself.
    refused = {
        "py",
        "bundletrajectory",
        "mysql",
        "postgresql",
        "gpw",
        "netcdftrajectory",
        "nomad-json",
        "vasp-xml",
    }
    assert not refused & set(ASE_FORMATS)
    sources = {Path(ioformats[name].module.__file__) for name in ASE_FORMATS}
    for path in sources - {Path(ioformats["traj"].module.__file__)}:
        found = [each for each in faults_of(path.read_text()) if "eval" in each or "pickle" in each]
        assert found == [], path


def test_a_pickle_called_a_trajectory_is_not_read(tmp_path: Path) -> None:
    """Trajectories of ASE before 2014 were pickles, and its module for trajectories still knows how to read them."""
    import pickle

    from hamexplorer.errors import StructureError
    from hamexplorer.structures.files import read_structures

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    content = pickle.dumps(Trap())
    for name in ("a.traj", "a.pickle", "a.pckl", "a.db", "a.json", "a.gpw", "a.py", "a.bundle", "a"):
        with pytest.raises(StructureError):
            read_structures(content, filename=name)
        with pytest.raises(StructureError):
            read_structures(b"PickleTrajectory" + content, filename=name)
    assert not (tmp_path / "sprung").exists()
