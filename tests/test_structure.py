"""The rules of the house, executed: floors, what an import costs, names, docstrings, sizes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import melfeat

PACKAGE = Path(melfeat.__file__).parent
PROJECT = Path(__file__).parents[1]
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
MAX_LINES = 500

# Imports point downward: a module imports from its own floor and from those before it in this list.
FLOORS = [
    {"melfeat", "errors"},
    {"_types", "_checks", "_arrays", "_atomic", "_forks", "_interpreter", "_spool"},
    {"kernels"},
    {"dsp"},
    {
        "stages",
        "config",
        "foreign",
        "presets",
        "plan",
        "pipeline",
        "workers",
        "signal_steps",
        "energies",
        "slots",
        "sliding",
        "rows",
        "live_steps",
        "pool_steps",
    },
    {"explain"},
    {"_diagnose", "_wav", "_decode", "_describe", "_resample", "_long_reading"},  # rooms behind the door `io`
    {"convert", "util", "filters", "temporal", "spectrum", "feature", "batching", "io", "normalization", "formats"},
    {"streaming", "pool_frames", "stream_pool"},
    {"extractor", "pooling", "long_files"},
    {"dataset"},
    {"display", "demo"},
    {"cli", "__main__"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
NUMBA_USERS = {"kernels/_jit.py", "kernels/_simd.py"}
LLVM_USERS = {*NUMBA_USERS, "kernels/_lanes.py"}


def module_name(path: Path) -> str:
    parts = ["melfeat", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    """Every module that a file imports, by absolute name, inside functions too unless only `top_level`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    if top_level:
        nodes = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    else:
        nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
            continue
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:  # `from . import x`: the module x, or the name x of the package
            inner = f"{base}.{alias.name}"
            found.add(inner if base.startswith("melfeat") and is_module(inner) else base)
    return found


def floor_of(module: str) -> int:
    room = module.split(".")[1] if "." in module else module
    assert room in FLOOR, f"{module}: give it a floor in FLOORS of tests/test_structure.py"
    return FLOOR[room]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
class TestFile:
    def test_imports_point_downward(self, path):
        if path == PACKAGE / "__init__.py":
            return  # the façade names what lies on every floor, for type checkers and on first use
        own = module_name(path)
        for target in imports(path):
            if target.split(".")[0] == "melfeat":
                assert floor_of(target) <= floor_of(own), f"{own} imports {target}, which lies on a later floor"

    def test_numba_only_in_the_jit(self, path):
        roots = {name.split(".")[0] for name in imports(path)}
        name = path.relative_to(PACKAGE).as_posix()
        assert "numba" not in roots or name in NUMBA_USERS
        assert "llvmlite" not in roots or name in LLVM_USERS

    def test_dsp_and_kernels_do_not_know_each_other(self, path):
        room = path.relative_to(PACKAGE).parts[0]
        forbidden = {"dsp": "melfeat.kernels", "kernels": "melfeat.dsp"}.get(room)
        assert forbidden is None or not any(name.startswith(forbidden) for name in imports(path))

    def test_heavy_packages_are_imported_inside_functions(self, path):
        heavy = {"scipy", "soundfile", "soxr", "matplotlib", "resampy", "samplerate"}
        heavy |= {"pyarrow", "h5py", "distributed", "tqdm", "pandas"}
        assert not {name.split(".")[0] for name in imports(path, top_level=True)} & heavy

    def test_is_of_readable_size(self, path):
        n_lines = path.read_text(encoding="utf-8").count("\n")
        assert n_lines <= MAX_LINES, "split it"

    def test_has_no_parallel_kernels(self, path):
        assert "parallel=True" not in path.read_text(encoding="utf-8")

    def test_says_what_it_is(self, path):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_import_cycles():
    graph = {module_name(path): imports(path, top_level=True) - {module_name(path)} for path in FILES}
    inside = {name: {target for target in targets if target in graph} for name, targets in graph.items()}
    TopologicalSorter(inside).prepare()  # raises CycleError and names the cycle


@pytest.mark.parametrize(
    "statement",
    [
        "import melfeat",
        "import melfeat.convert, melfeat.feature, melfeat.filters, melfeat.io, melfeat.spectrum, melfeat.util",
        "import melfeat; melfeat.mfcc, melfeat.load, melfeat.stft",
        "import melfeat.display, melfeat.demo",
        "import melfeat.dataset",
    ],
)
def test_import_is_light(statement):
    heavy = "{'numba', 'llvmlite', 'scipy', 'soundfile', 'soxr', 'matplotlib', 'librosa'}"
    assert run_python(f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))").strip() == "[]"


def test_help_is_light():
    code = (
        "import sys, contextlib, melfeat.cli\n"
        "for argv in (['--help'], ['mfcc', '--help'], ['demo', '--help']):\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(sys.stderr):\n"
        "        melfeat.cli.main(argv)\n"
        "print(sorted({'numpy', 'numba', 'scipy', 'soundfile', 'matplotlib'} & set(sys.modules)))"
    )
    assert run_python(code).strip() == "[]"


def public_objects() -> list[str]:
    names = {f"melfeat.{name}" for name in melfeat.__all__ if not name.startswith("__")}
    modules = ("convert", "dataset", "demo", "display", "feature", "filters", "foreign", "formats", "io")
    for module in (*modules, "normalization", "pooling", "spectrum", "stages", "temporal", "util"):
        if is_module(f"melfeat.{module}"):
            names |= {f"melfeat.{module}.{name}" for name in importlib.import_module(f"melfeat.{module}").__all__}
    return sorted(names)


@pytest.mark.parametrize("name", public_objects())
def test_public_name_resolves_and_is_documented(name):
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    if not (callable(value) or inspect.ismodule(value)):
        return  # constants and type aliases
    assert inspect.getdoc(value), f"{name} has no docstring"
    if inspect.isfunction(value):
        text = inspect.getdoc(value)
        assert "Returns\n-------" in text or "Yields\n------" in text
        assert "Examples\n--------" in text
        assert ">>>" in text
        if inspect.signature(value).parameters:
            assert "Parameters\n----------" in text


@pytest.mark.parametrize("name", public_objects())
def test_public_function_is_typed_and_spells_out_its_parameters(name):
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    if not inspect.isfunction(value):
        return
    signature = inspect.signature(value)
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, f"{parameter.name} has no type"
        # Options of a configuration may be many: `Config.replace` refuses unknown names.
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD or parameter.name == "overrides"


def test_dir_lists_every_public_name():
    assert set(melfeat.__all__) <= set(dir(melfeat))
    with pytest.raises(AttributeError, match="no attribute 'mfccs'"):
        melfeat.mfccs  # noqa: B018


def test_package_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_one_version_everywhere():
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE).group(1) == melfeat.__version__
    citation = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", citation, re.MULTILINE).group(1) == melfeat.__version__


def test_every_version_in_the_changelog_tells_its_numerical_changes():
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    assert versions
    assert all("### Numerical changes" in version for version in versions)


def test_lazy_names_are_those_that_type_checkers_see():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {(node.module, alias.name) for node in block.body for alias in node.names}
    lazy = {(module, name) for name, module in melfeat._HOME.items()} | {(None, name) for name in melfeat._MODULES}
    assert seen == lazy
