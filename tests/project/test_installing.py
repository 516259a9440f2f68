"""Each kind of installation works in any folder, also in a clone, whose folders shadow installed packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from checkout import ROOT

PACKAGES = {"brainsim": "brainsim", "areas": "brainsim/areas", "kernels": "brainsim/kernels"}
LEFT_BY_BUILDS = ("build", "dist", "*.egg-info", ".venv", ".git", "runs", "__pycache__", ".*_cache")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}


def test_every_package_is_declared() -> None:
    """Setuptools installs only the packages that ``setup.cfg`` lists."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    found = {
        ".".join([*installed.split("/"), *path.parent.relative_to(ROOT / folder).parts])
        for folder, installed in PACKAGES.items()
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert set(setup["options"]["packages"].split()) == found


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def pip(command: str, *arguments: object, python: Path | str = sys.executable, cwd: Path = ROOT) -> None:
    """Run pip without an index and without an isolated build environment."""
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, command, *options, *arguments, cwd=cwd)


def clone(folder: Path) -> Path:
    """Copy the sources without the results of older builds, which could hide missing files."""
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_BY_BUILDS)))


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A new environment that uses the packages of the running one, except brainsim."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    # A folder named in a .pth file is searched, but .pth files in it are not read, so editable installs are not found.
    (site_packages(folder) / "running.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def site_packages(environment: Path) -> Path:
    (folder,) = environment.glob("lib/python*/site-packages")
    return folder


def wheel(source: Path, folder: Path) -> Path:
    pip("wheel", "--wheel-dir", folder, source)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_a_wheel_holds_every_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel(clone(tmp_path / "source"), tmp_path)) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {
        f"{installed}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, installed in PACKAGES.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
    }
    assert held == files


SCRIPT = """
import brainsim, brainsim.areas, brainsim.kernels, brainsim.plots
import brainsim.kernels.cpu.backend, brainsim.models.nemo as nemo
assert len(nemo.english().words) == 80
print(brainsim.__file__, brainsim.kernels.__file__, brainsim.areas.__file__, nemo.__file__, sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "editable", "wheel"])
def test_an_installed_brainsim_works_everywhere(kind: str, environment: Path, tmp_path: Path) -> None:
    """Python imports the installed brainsim, or in the root of a clone, the sources of that clone."""
    source, other, elsewhere = clone(tmp_path / "source"), clone(tmp_path / "other"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    arguments = {
        "plain": lambda: [source],
        "editable": lambda: ["-e", source],
        "wheel": lambda: [wheel(source, tmp_path)],
    }
    python = environment / "bin" / "python"
    # A brainsim in the running environment must not count as installed.
    pip("install", "--ignore-installed", *arguments[kind](), python=python)
    installed = source if kind == "editable" else site_packages(environment)
    for cwd, home in ((elsewhere, installed), (source, source), (other, other)):
        (cwd / "script.py").write_text(SCRIPT)
        for command in (["-c", SCRIPT], ["script.py"]):
            places = run(python, *command, cwd=cwd).split()
            assert len(places) == 4
            assert all(Path(place).is_relative_to(home) for place in places), (cwd, places)
        for program in ([python, "-m", "brainsim"], [environment / "bin" / "brainsim"]):
            assert "backend cpu: works" in run(*program, "info", cwd=cwd)


@pytest.mark.slow
def test_a_wheel_runs_an_experiment_outside_the_checkout(environment: Path, tmp_path: Path) -> None:
    pip(
        "install",
        "--ignore-installed",
        wheel(clone(tmp_path / "source"), tmp_path),
        python=environment / "bin" / "python",
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(ROOT / "experiments" / "association.py", elsewhere)
    printed = run(environment / "bin" / "brainsim", "run", "association.py", "--quick", cwd=elsewhere)
    assert "wrote runs/association" in printed
    assert (elsewhere / "runs" / "association" / "metrics.json").is_file()
