"""A program that runs the kernels of the backend, or a planted kernel, under the address sanitizer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from emulator import planted
from emulator.build import COMPILER, build, kernels_source
from emulator.device import emulate, emulated, load
from scenarios import named, trace
from varied import KINDS
from watching import against_the_reference


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this file with the sanitizer loaded before Python, so that it checks all memory of NumPy and of the kernels."""
    assert COMPILER is not None
    found = subprocess.run([COMPILER, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    # Python leaks by design; `malloc` gives memory of the exact size, so that writes past its end are found.
    sanitizer = {"LD_PRELOAD": found.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    for text in (kernels_source(), planted.source()):
        build(text, sanitize=True)  # by a compiler that is not itself sanitized
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, env={**os.environ, **sanitizer}, capture_output=True, text=True, check=False)


def _planted(kernel: str) -> None:
    library = load(build(planted.source(), sanitize=True))
    out = np.zeros(40, np.uint32)
    emulate(library, kernel, 1, planted.arguments(out, 40), threads=64, shared=256)
    assert out.tolist() == [1] * 40


def _shipped(kind: str, number: int) -> None:
    gpu = emulated(sanitize=True, seed=number)
    if kind in KINDS:
        assert not against_the_reference(gpu, kind, number)
    else:
        case = named(kind, number)
        assert trace(gpu, case, Options()) == trace(ReferenceBackend, case, Options())


if __name__ == "__main__":
    if sys.argv[1] == "shipped":
        _shipped(sys.argv[2], int(sys.argv[3]))
    else:
        _planted(sys.argv[1])
