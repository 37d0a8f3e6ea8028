"""Every example that a reader can copy runs and prints what it says: docstrings, docs and README."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

import melfeat

PROJECT = Path(__file__).parents[1]
PACKAGE = Path(melfeat.__file__).parent
PAGES = sorted([*PROJECT.glob("docs/**/*.md"), *PROJECT.glob("README.md")])
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def modules() -> list[str]:
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "__main__.py" and ">>>" in path.read_text(encoding="utf-8"):
            parts = path.relative_to(PACKAGE).with_suffix("").parts
            names.append(".".join(["melfeat", *(part for part in parts if part != "__init__")]))
    return names


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader's folder: examples may read `speech.wav` and write what they like."""
    import soundfile

    samples, sr = soundfile.read(melfeat.demo_path(), dtype="int16")
    soundfile.write(tmp_path / "speech.wav", samples, sr, subtype="PCM_16")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_doctest(test: doctest.DocTest) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


@pytest.mark.parametrize("name", modules())
def test_docstrings(name, reader):
    tests = [test for test in doctest.DocTestFinder().find(importlib.import_module(name)) if test.examples]
    assert tests, f"{name} has examples that doctest does not find"
    for test in tests:
        run_doctest(test)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_pages(page, reader):
    """Blocks fenced as ``python`` share one namespace per page; a block that is not to be run is fenced as ``py``."""
    names: dict[str, object] = {}
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        code, line = found.group(1), text.count("\n", 0, found.start(1))
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
            test.globs = names  # the parser copies it; blocks of a page build on each other
            runner = doctest.DocTestRunner(optionflags=OPTIONS)
            report: list[str] = []
            runner.run(test, out=report.append, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0, "".join(report)
        else:
            exec(compile("\n" * line + code, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_readme_names_the_command_that_ci_runs():
    command = 'pip install ".[test]" && pytest'
    assert command in (PROJECT / "README.md").read_text(encoding="utf-8")
    assert command in (PROJECT / ".ci" / "run").read_text(encoding="utf-8")


def test_cli_page_documents_every_option():
    from melfeat.cli import _parser

    page = (PROJECT / "docs" / "cli.md").read_text(encoding="utf-8")
    commands = next(action for action in _parser()._actions if action.dest == "command").choices
    for name, parser in commands.items():
        assert f"## `melfeat {name}`" in page
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--") and option != "--help":
                    assert f"`{option}" in page, f"{option} of melfeat {name} is not in docs/cli.md"
