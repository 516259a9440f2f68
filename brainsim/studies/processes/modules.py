"""Python files loaded by path, so that other processes find them by the names of their modules.

The name of a module depends on the path and the content of its file and of those that it imports from its folder, so
that all processes use the same version.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from brainsim.errors import ExperimentError
from brainsim.studies import sources
from brainsim.studies.matplotlib_folder import place_matplotlib

_PREFIX = "brainsim_experiment_"


class _Loaded(MetaPathFinder):
    """Finds modules that this process, or the one that started it, loaded by path."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        file = self.files.get(name)
        if file is None:
            return None
        if _name(Path(file)) != name:
            raise ExperimentError(f"{sources.called(file)}, {file}, has changed since it was loaded; start again")
        _look_beside(Path(file))
        return importlib.util.spec_from_file_location(name, file)


_loaded = _Loaded()
sys.meta_path.append(_loaded)


def files() -> dict[str, str]:
    """Return the paths of the modules loaded by path, by their names."""
    return dict(_loaded.files)


def find_again(files: dict[str, str]) -> None:
    """Make modules that another process loaded by path importable by name."""
    _loaded.files.update(files)


def load(path: str | Path) -> ModuleType:
    """Run a Python file and return its module, which has a unique name.

    Raises
    ------
    ExperimentError
        If the file does not exist or is not Python.
    """
    file = Path(path)
    if not file.is_file():
        wrong = "is a folder" if file.is_dir() else "no such file"
        raise ExperimentError(f"{path}: {wrong}; give the path of an experiment, e.g. experiments/noun_verb.py")
    file = file.resolve()
    name = _name(file)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ExperimentError(f"{path}: is not a Python file; an experiment's name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _look_beside(file)
    place_matplotlib()
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise ExperimentError(f"{path}, line {error.lineno}: is not valid Python ({error.msg})") from error
    _loaded.files[name] = str(file)
    return module


def _name(file: Path) -> str:
    own = hashlib.sha256(os.fsencode(file) + b"\0" + sources.digest(file).encode()).hexdigest()[:12]
    return f"{_PREFIX}{re.sub(r'[^a-zA-Z0-9]', '_', file.stem)}_{own}"


def _look_beside(file: Path) -> None:
    """Let a file import other files of its folder."""
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
