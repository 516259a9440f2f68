"""README, citation, changelog, the wording of all text, and the checks before a commit."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from PIL import Image

import brainsim
import prose as linter
from checkout import ROOT
from words_gif import animate

README = (ROOT / "README.md").read_text()
PROSE = ROOT / "tools" / "prose.py"


def test_the_readme_fits_on_a_page() -> None:
    assert 60 <= len(README.splitlines()) <= 90
    assert len(README.split()) <= 600


def test_the_picture_in_the_readme_is_animated_and_small() -> None:
    (path,) = re.findall(r"!\[[^\]]{20,}\]\(([^)]+\.gif)\)", README)
    assert (ROOT / path).stat().st_size < 600_000
    with Image.open(ROOT / path) as picture:
        assert picture.n_frames > 20


@pytest.mark.slow
def test_the_picture_in_the_readme_can_be_drawn(tmp_path: Path) -> None:
    animate(tmp_path / "words.gif", sentences=6, every=3, n=2000)
    with Image.open(tmp_path / "words.gif") as picture:
        assert picture.n_frames == 3


def test_the_version_is_the_same_everywhere() -> None:
    assert f"\nversion: {brainsim.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## [{brainsim.__version__}] - " in (ROOT / "CHANGELOG.md").read_text()


def test_releases_have_dates_and_changes_have_kinds() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    releases = [line for line in lines if line.startswith("## ")]
    assert releases[0].startswith("## [Unreleased]")
    assert len(releases) > 1
    assert all(re.match(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d\b", line) for line in releases[1:])
    kinds = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert kinds <= {"Results change", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_hooks_have_the_versions_of_the_tests() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    pinned = set(re.findall(r'"(\w+==[\w.]+)"', hooks))
    assert {pin.split("==")[0] for pin in pinned} == {"ruff", "codespell"}
    assert pinned <= set(setup["options.extras_require"]["test"].split())


def test_workflows_install_extras_that_exist() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = [path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    used = {extra for text in texts for extras in re.findall(r"\.\[([\w,]+)\]", text) for extra in extras.split(",")}
    assert {"test", "dev"} <= used <= set(setup["options.extras_require"])


def prose(*files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PROSE, *files], capture_output=True, text=True, encoding="utf-8")


def test_all_text_passes_the_check_of_spelling_and_wording() -> None:
    done = prose()
    assert done.returncode == 0, done.stdout + done.stderr


def test_words_and_phrases_of_the_list_are_found(tmp_path: Path) -> None:
    wrong = ["be " + "told apart", "a" + "new", "rec" + "ieved"]  # in two pieces, so that they are not found here
    (tmp_path / "page.md").write_text(
        f"They cannot {wrong[0]}.\nIt is drawn {wrong[1]}, and {wrong[2]}.\nPlain text.\n"
    )
    done = prose(tmp_path / "page.md")
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == wrong


NAMES = """
class {Word}Fires: ...
async def drawn_{word}(): ...
@pytest.mark.parametrize("n", [pytest.param(1, id="{phrase}"), 2], ids=["{word}-1", "plain"])
def test_neurons_{phrase}_here(n):
    {word} = called_{word}()
def plain_name(): ...
"""


def test_words_and_phrases_are_found_in_the_names_of_definitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of variables and calls are not definitions; names of ``names.txt`` stay."""
    file, names = tmp_path / "code.py", tmp_path / "names.txt"
    word, phrase = "a" + "new", "told_" + "apart"
    file.write_text(NAMES.format(word=word, Word=word.title(), phrase=phrase))
    found = {f"{word.title()}Fires", f"drawn_{word}", phrase, f"{word}-1", f"test_neurons_{phrase}_here"}
    done = prose(file)
    assert done.returncode == 1
    assert {line.split("'")[1] for line in done.stdout.splitlines() if "in the name" in line} == found
    assert f"code.py:3: {word} in the name 'drawn_{word}': write again" in done.stdout

    monkeypatch.setattr(linter, "NAMES", names)
    names.write_text(f"drawn_{word}  # public\n")
    assert linter.main([str(file)]) == 1
    printed = capsys.readouterr().out
    assert {line.split("'")[1] for line in printed.splitlines() if "in the name" in line} == found - {f"drawn_{word}"}
    names.write_text(f"drawn_{word}\n")
    with pytest.raises(SystemExit, match="each line must be 'name  # reason'"):
        linter.main([str(file)])
