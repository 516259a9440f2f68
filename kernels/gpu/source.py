"""The CUDA C sources, how they are compiled, and what their kernels take."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "cuda"
UNITS = ("project", "gather", "select", "learn", "commit")
ARCHITECTURES = (75, 80, 86, 89, 90, 100, 120)


def _digest() -> str:
    """Return a hash of all sources: CuPy keeps what it compiled, and looks at the file itself and the options only."""
    every = [path.read_bytes() for path in sorted(FOLDER.iterdir())]
    return hashlib.sha256(b"\0".join(every)).hexdigest()[:16]


OPTIONS = ("--std=c++17", f"-I{FOLDER}", f"-DBRAINSIM_SOURCES=0x{_digest()}")

_KERNEL = re.compile(r'extern "C" __global__ void\s+(?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(([^)]*)\)')
_PARAMETER = re.compile(r"(?:const\s+)?(\w+)\s*(\*?)\s*(\w+)")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel, as its C signature declares it."""

    name: str
    type: str
    pointer: bool


@dataclass(frozen=True)
class Signature:
    """A kernel: its name, the file that holds it, and its parameters in order."""

    name: str
    unit: str
    parameters: tuple[Parameter, ...]


def parse(text: str, unit: str) -> list[Signature]:
    """Return the signatures of all kernels in a source text."""
    found = []
    for name, inside in _KERNEL.findall(text):
        parts = [_PARAMETER.fullmatch(" ".join(part.split())) for part in inside.split(",")]
        assert all(parts), f"{unit}.cu: {name} has a parameter that cannot be read"
        declared = [(match[3], match[1], bool(match[2])) for match in parts if match]
        found.append(Signature(name, unit, tuple(Parameter(*each) for each in declared)))
    return found


def source_of(unit: str) -> str:
    """Return the text of a compilation unit."""
    return (FOLDER / f"{unit}.cu").read_text()


@cache
def signatures() -> dict[str, Signature]:
    """Return the signatures of all kernels by name."""
    return {found.name: found for unit in UNITS for found in parse(source_of(unit), unit)}
