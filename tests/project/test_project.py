"""The project itself: types, lint, packaging, notebooks."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import run_notebooks
from checkout import ROOT
from typecheck import typecheck

# Most are slow; one of them runs all reproductions in their quick forms.
_MARKS = {"first_brain": (), "one_shot_facts": (pytest.mark.slow, pytest.mark.torch)}
NOTEBOOKS = [
    pytest.param(path, id=path.stem, marks=_MARKS.get(path.stem, (pytest.mark.slow,)))
    for path in run_notebooks.NOTEBOOKS
]

# Pages whose blocks run within a second or two; those of all other pages are slow.
_QUICK = {f"howto/{name}" for name in ("cascade", "fibers", "files", "learning", "regions", "threads", "vectors")} | {
    "tutorials/guide"
}
# Tested in test_inspecting_page.py, test_sweeps.py and test_contributing.py.
_ELSEWHERE = {"howto/inspecting", "howto/sweeps", "contributing"}
BLOCKS = [
    pytest.param(page, marks=() if page in _QUICK else pytest.mark.slow)
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if "_build" not in path.parts and "```python\n" in path.read_text()
    if (page := path.relative_to(ROOT / "docs").with_suffix("").as_posix()) not in _ELSEWHERE
]


def test_types_are_strict() -> None:
    done = typecheck()
    assert done.returncode == 0, done.stdout + done.stderr
    (checked,) = re.findall(r"no issues found in (\d+) source files", done.stdout)
    files = [path for package in ("brainsim", "areas", "kernels") for path in (ROOT / package).rglob("*.py")]
    assert int(checked) >= len(files), "some packages were left out"


@pytest.mark.slow
def test_an_editor_that_runs_mypy_in_the_root_finds_all_packages() -> None:
    files = ("areas/lex.py", "kernels/law/gaps.py", "brainsim/declare/area.py")
    done = subprocess.run([sys.executable, "-m", "mypy", *files], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_lint(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "ruff", *command, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_show_what_a_fresh_run_shows(path: Path) -> None:
    stored, fresh = nbformat.read(path, as_version=4), run_notebooks.executed(path)
    assert run_notebooks.texts(fresh) == run_notebooks.texts(stored), f"run: python tools/run_notebooks.py {path}"
    assert len(run_notebooks.pictures(fresh)) == len(run_notebooks.pictures(stored)) > 0


def test_pictures_in_notebooks_are_small() -> None:
    """The history of the repository keeps all versions of a notebook."""
    assert sum(path.stat().st_size for path in run_notebooks.NOTEBOOKS) < 1_500_000


def test_the_example_in_the_readme_prints_what_the_readme_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text()
    (example,) = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    (shown,) = [block.split("```")[0] for block in text.split("```text\n")[1:]]
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("page", BLOCKS)
def test_the_blocks_of_a_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    script = tmp_path / f"{Path(page).name}.py"
    script.write_text("\n".join(blocks))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param("howto/cascade", marks=pytest.mark.torch),
        pytest.param("coming_from/neural_assemblies"),
    ],
)
def test_blocks_that_need_another_package_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """Run the blocks that begin with ```py together with those of the page that begin with ```python."""
    if "neural_assemblies" in page:
        pytest.importorskip("neural_assemblies")
    text = (ROOT / "docs" / f"{page}.md").read_text()
    script = tmp_path / "page.py"
    script.write_text("\n".join(re.findall(r"```py(?:thon)?\n(.*?)```", text, re.DOTALL)))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="page")


def test_links_in_the_documentation_are_valid() -> None:
    """Relative links of all Markdown pages name files that exist."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    pages = [page for page in pages if "_build" not in page.parts]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())]
    assert links
    missing = [f"{page.name}: {link}" for page, link in links if "://" not in link and not _exists(page, link)]
    assert not missing


def _exists(page: Path, link: str) -> bool:
    return (page.parent / link.partition("#")[0]).exists()
