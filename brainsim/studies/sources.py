"""The text of an experiment: its file, and the modules beside it that it imports."""

from __future__ import annotations

import hashlib
from modulefinder import ModuleFinder
from pathlib import Path

_OURS = "brainsim"  # whose version a run notes


def digest(path: str | Path) -> str:
    """Return the SHA-256 digest of a Python file and of all modules in its folder that it imports, in hexadecimal.

    Nothing of them runs.  Imports within functions count, too, and so do those of the modules themselves.  The digest
    of a file that imports nothing from its folder is that of the file alone.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    own = Path(path).read_bytes()
    found = hashlib.sha256(own)
    for name, file in sorted(beside(Path(path)).items()):
        found.update(f"\0{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}".encode())
    return found.hexdigest()


def beside(path: Path) -> dict[str, Path]:
    """Return the modules in the folder of a Python file that it imports, by name."""
    folder = path.resolve().parent
    finder = ModuleFinder(path=[str(folder)], excludes=[_OURS])
    try:
        finder.run_script(str(path))
    except (SyntaxError, ValueError, RecursionError):  # which is said when the file is loaded
        return {}
    files = {name: getattr(module, "__file__", None) for name, module in finder.modules.items() if name != "__main__"}
    return {name: Path(file) for name, file in files.items() if file}


def called(path: str | Path) -> str:
    """Return what the digest of an experiment is of, in words."""
    try:
        more = " or a module beside it" if beside(Path(path)) else ""
    except OSError:
        more = ""
    return f"the experiment file{more}"
