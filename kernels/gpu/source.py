"""The CUDA C sources, how they are compiled, and what their kernels take."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from brainsim.kernels.gpu.layout import FIBERS, MESSAGES, OVERLAY, RING, ROUND, STATE, TRACES, Structure

FOLDER = Path(__file__).parent.parent / "cuda"
ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)


class Kernel(NamedTuple):
    """A kernel: the file that holds it, the structures that it takes, and whether a number of 64 bits follows them."""

    unit: str
    structures: tuple[Structure, ...]
    numbered: bool = False


KERNELS = {
    "pass_gates": Kernel("gates", (FIBERS, STATE, ROUND)),
    "project": Kernel("project", (FIBERS, STATE, ROUND)),
    "gather": Kernel("gather", (FIBERS, STATE, OVERLAY, ROUND)),
    "sum_channels": Kernel("channels", (STATE, ROUND)),
    "count_digits": Kernel("select", (STATE, ROUND), numbered=True),
    "count_winners": Kernel("select", (STATE, ROUND)),
    "list_winners": Kernel("select", (STATE, ROUND)),
    "assign_rows": Kernel("learn", (FIBERS, STATE, OVERLAY, ROUND)),
    "list_starts": Kernel("learn", (FIBERS, STATE, ROUND)),
    "draw_pairs": Kernel("learn", (FIBERS, STATE, ROUND)),
    "cross_out": Kernel("learn", (FIBERS, STATE, OVERLAY, ROUND)),
    "reserve": Kernel("learn", (STATE, OVERLAY, ROUND)),
    "strengthen": Kernel("learn", (FIBERS, STATE, OVERLAY, ROUND)),
    "remember": Kernel("trace", (FIBERS, STATE, ROUND, TRACES)),
    "commit": Kernel("commit", (STATE, ROUND)),
    "record": Kernel("commit", (STATE, RING), numbered=True),
    "propose": Kernel("vectors", (MESSAGES,), numbered=True),
    "normalize": Kernel("vectors", (MESSAGES,)),
    "replace_rows": Kernel("vectors", (MESSAGES,)),
    "relax": Kernel("vectors", (MESSAGES,)),
    "read_out": Kernel("vectors", (MESSAGES,)),
}
MORE_SHARED = {"project"}  # kernels that may take more shared memory than the 48 KiB that any kernel may take
UNITS = tuple(dict.fromkeys(kernel.unit for kernel in KERNELS.values()))


def compile_options(folder: Path) -> tuple[str, ...]:
    """Return the options to compile the sources in a folder with.

    CuPy finds what it has compiled before by the text of a unit and the options.  It does not look into the headers, so
    a hash of all sources is among the options.
    """
    every = [path.read_bytes() for path in sorted(folder.iterdir())]
    digest = hashlib.sha256(b"\0".join(every)).hexdigest()[:16]
    return "--std=c++17", f"-I{folder}", f"-DBRAINSIM_SOURCES=0x{digest}"


OPTIONS = compile_options(FOLDER)


def source_of(unit: str) -> str:
    """Return the text of a compilation unit."""
    return (FOLDER / f"{unit}.cu").read_text()
