"""Restricted machines: no writable home, compiler, optional modules, UTF-8 or working directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from brainsim.studies import folders
from brainsim.studies.folders import RunLock
from checkout import ROOT

STUDY = """
from matplotlib.figure import Figure
from brainsim import Area, Brain, Simulator, experiment

@experiment
def study(run, *, word: str = "狗"):
    brain = Brain()
    source, area = brain.add(Area("S", n=50, k=10, patterns={word: range(10)}), Area("Lex", n=500, k=10))
    brain.connect(source, area, p=0.2)
    with Simulator(brain, seed=run.seed, backend="reference") as sim:
        sim.present(source[word])
        sim.run(source >> area, rounds=3)
        sim.save(run.folder / "state.h5", word)
        assert sim.load(run.folder / "state.h5") == word
    run.picture("picture.png", Figure)
    run.notes.append(f"heard {word}")
    return {"word": word, word: len(sim.brain.areas)}
"""


def python(*arguments: object, cwd: Path, tree: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a checkout on its path, in a folder, with settings of the environment."""
    settings = {**os.environ, "PYTHONPATH": str(tree), "PYTHONIOENCODING": "utf-8", **environment}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an experiment; its name has spaces and letters outside ASCII."""
    named = tmp_path / "ein Ort für 狗"
    named.mkdir()
    (named / "größe.py").write_text(STUDY, encoding="utf-8")
    return named


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}


@pytest.mark.parametrize(
    "environment",
    [C_LOCALE, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONOPTIMIZE": "2"}, {"HOME": os.devnull}],
    ids=["C locale", "latin-1", "optimised", "no home"],
)
def test_a_run_works_with_other_encodings_and_settings(environment: dict[str, str], folder: Path) -> None:
    done = python("-m", "brainsim", "run", "größe.py", "--out", "mein Lauf", cwd=folder, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr in ("note: heard 狗\n", "note: heard \\u72d7\n")  # as the encoding of the terminal allows
    metrics = json.loads((folder / "mein Lauf" / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["word"], metrics["狗"]) == ("狗", 2)
    assert (folder / "mein Lauf" / "picture.png").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not delete a working directory")
def test_a_run_works_in_a_deleted_working_directory(folder: Path, tmp_path: Path) -> None:
    script = (
        "import os, sys; gone = sys.argv.pop(1); os.chdir(gone); os.rmdir(gone); sys.argv[0] = 'brainsim'\n"
        "from brainsim.cli import main; main()"
    )
    (tmp_path / "gone").mkdir()
    arguments = ("-c", script, tmp_path / "gone", "run", folder / "größe.py")
    done = python(*arguments, "--out", folder / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "gone").mkdir()
    done = python(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("brainsim: runs/study: cannot be made (No such file or directory); choose a folder")


def test_a_run_works_without_the_modules_that_windows_lacks(folder: Path) -> None:
    script = (
        "import sys; sys.modules['resource'] = None; sys.argv[0] = 'brainsim'; from brainsim.cli import main; main()"
    )
    done = python("-c", script, "run", "größe.py", "--out", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    script = "import sys; sys.modules['resource'] = None\nfrom brainsim.studies import info; from pathlib import Path\n"
    done = python("-c", script + "info._STATUS = Path('none'); print(info.peak_rss_mb())", cwd=folder)
    assert done.stdout == "None\n", done.stderr


def test_a_lock_is_left_where_open_files_cannot_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows does not delete open files."""
    lock = RunLock(tmp_path)
    lock.acquire()

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "The process cannot access the file", str(path))

    monkeypatch.setattr(Path, "unlink", unlink)
    lock.release()
    assert folders.contents(tmp_path) == []
    RunLock(tmp_path).acquire()


BUILD = """
from brainsim import Area, Brain, BrainsimError, Simulator
brain = Brain()
brain.add(Area("A", 100, 10))
for backend in ("cpu", "auto", "reference"):
    try:
        Simulator(brain, backend=backend).close()
        print(backend, "works")
    except BrainsimError as error:
        print(error)
"""


def test_a_compiler_that_is_switched_off_is_named(tmp_path: Path) -> None:
    done = python("-c", BUILD, cwd=tmp_path, NUMBA_DISABLE_JIT="1", CUDA_VISIBLE_DEVICES="")
    refused = (
        "Simulator.backend: 'cpu' does not run here: NUMBA_DISABLE_JIT switches its compiler off; unset it, or choose "
        "backend='reference', which is slower"
    )
    assert done.stdout.splitlines() == [refused, refused, "reference works"], done.stderr
    script = "import numba; numba.config.DISABLE_JIT = True\n" + BUILD
    assert "the cpu backend needs Numba's compiler" in python("-c", script, cwd=tmp_path).stdout
    done = python("-m", "brainsim", "info", cwd=tmp_path, NUMBA_DISABLE_JIT="1")
    assert "backend cpu: does not run here: NUMBA_DISABLE_JIT switches" in done.stdout


def test_a_setting_that_numba_refuses_is_named(tmp_path: Path) -> None:
    done = python("-c", BUILD, cwd=tmp_path, NUMBA_NUM_THREADS="0")
    assert "'cpu' does not run here: it cannot be imported (Number of threads specified" in done.stdout
    assert "reference works" in done.stdout, done.stderr


@pytest.mark.slow
def test_a_run_works_if_neither_home_nor_installation_is_writable(folder: Path, tmp_path: Path) -> None:
    """A file in place of a folder also stops root, for whom permission bits have no effect."""
    tree, temporary = tmp_path / "tree", tmp_path / "temporary"
    for package in ("brainsim", "kernels", "areas"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "kernels" / "__pycache__").touch()
    temporary.mkdir()
    places = {"HOME": os.devnull, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": ""}
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        places[name] = ""
    (folder / "größe.py").write_text(STUDY.replace('backend="reference"', "**run.simulator"), encoding="utf-8")
    for name, lines in (("first", 2), ("second", 1)):
        done = python("-m", "brainsim", "run", "größe.py", "--out", name, cwd=folder, tree=tree, **places)
        assert done.returncode == 0, done.stderr
        said = [line for line in done.stderr.splitlines() if not line.startswith("brainsim: compiling kernels")]
        assert len(said) == lines, said
        if name == "first":
            assert said[0].startswith(
                "brainsim: the folders of the installation and of HOME cannot be written; compiled"
            )
    assert [path.name for path in temporary.iterdir()] == [f"brainsim-{os.getuid()}"]
