"""Compiles kernels with the emulated built-ins into a shared library."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from brainsim.kernels.gpu.source import FOLDER, KERNELS, UNITS

HEADER = Path(__file__).with_name("cuda.hpp")
COMPILER = shutil.which(os.environ.get("CXX", "g++"))
_FLAGS = ("-std=c++20", "-O2", "-fPIC", "-shared", "-U_FORTIFY_SOURCE", "-Wall", "-Werror", "-Wno-unused-function")
_SANITIZED = ("-fsanitize=address", "-fno-omit-frame-pointer", "-g")
# The sanitizer inserts a call at every access; only these calls are used, and `races.hpp` defines the functions.
_WATCHED = ("-fsanitize=thread", "--param=tsan-distinguish-volatile=1", "-DEMULATOR_RACES", "-Wno-tsan")


def kernels_source() -> str:
    """Return a source that includes all kernels as they ship."""
    includes = [f'#include "{FOLDER / unit}.cu"' for unit in UNITS]
    return "\n".join([*includes, *(f"EMULATED_KERNEL({name})" for name in KERNELS)])


def build(text: str, *, sanitize: bool = False, races: bool = False) -> Path:
    """Return the library of a source, compiled unless it has been before."""
    assert COMPILER, "the emulator needs a C++ compiler"
    headers = sorted(HEADER.parent.glob("*.hpp"))
    read = [*(path.read_text() for path in headers), *(path.read_text() for path in sorted(FOLDER.iterdir()))]
    flags = (*_FLAGS, *(_SANITIZED if sanitize else ()), *(_WATCHED if races else ()))
    digest = hashlib.sha256("\0".join([text, *flags, *read]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"brainsim-emulator-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{digest}.so"
    # Of several test processes, the first one compiles and the others wait.
    with (folder / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not library.exists():
            _compile(COMPILER, flags, text, library)
    return library


def _compile(compiler: str, flags: Sequence[str], text: str, library: Path) -> None:
    source, compiled, unfinished = (library.with_suffix(f".{suffix}") for suffix in ("cpp", "o", "unfinished.so"))
    source.write_text(f'#include "{HEADER}"\n{text}\n')
    _run([compiler, *flags, f"-I{FOLDER}", "-c", str(source), "-o", str(compiled)])
    linked = [flag for flag in flags if flag not in _WATCHED]
    _run([compiler, *linked, str(compiled), "-o", str(unfinished)])
    unfinished.replace(library)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
