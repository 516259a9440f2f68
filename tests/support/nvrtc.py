"""Compiles the CUDA C kernels with NVIDIA's compiler, which needs no GPU; as a program, prints their resources."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from brainsim.kernels.gpu.source import ARCHITECTURES, OPTIONS, UNITS, source_of

_FUNCTION = re.compile(
    r"^ '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
    r".*?Used (\d+) registers(?:[^\n]*?(\d+) bytes smem)?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Usage:
    """The resources of a multiprocessor that a kernel uses."""

    kernel: str
    registers: int
    shared: int
    stack: int
    spilled: int


@cache
def _library() -> ctypes.CDLL | None:
    program = importlib.util.find_spec("nvidia")
    folders = (
        [Path(place) / "cuda_nvrtc" / "lib" for place in (program.submodule_search_locations or [])] if program else []
    )
    for folder in folders:
        for path in sorted(folder.glob("libnvrtc.so.*")):
            return ctypes.CDLL(str(path))
    return None


def available() -> bool:
    """Return whether the compiler is installed; some platforms have no wheels of it."""
    return _library() is not None


def compile_text(text: str, name: str, architecture: int, options: Sequence[str] = ()) -> tuple[bool, str]:
    """Return whether a source compiles for ``sm_<architecture>``, and the log of the compiler."""
    library = _library()
    assert library is not None
    program = ctypes.c_void_p()
    library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), f"{name}.cu".encode(), 0, None, None)
    flags = [*OPTIONS, f"--gpu-architecture=sm_{architecture}", *options]
    passed = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
    code = library.nvrtcCompileProgram(program, len(flags), passed)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return code == 0, log.value.decode()


def usage(unit: str, architecture: int) -> tuple[list[Usage], str]:
    """Return the resources of the kernels of a unit, and the log of the compiler; fail if the unit does not compile."""
    compiled, log = compile_text(source_of(unit), unit, architecture, ["--ptxas-options=-v"])
    assert compiled, log
    found = []
    for part in log.split("Compiling entry function")[1:]:
        match = _FUNCTION.match(part)
        assert match, part
        stack, stores, loads, registers, shared = (int(number or 0) for number in match.groups()[1:])
        found.append(Usage(match[1], registers, shared, stack, stores + loads))
    return found, log


def table() -> str:
    """Return registers of every kernel by architecture, and its static shared memory, as a table in Markdown."""
    rows: dict[str, list[Usage]] = {}
    for architecture in ARCHITECTURES:
        for unit in UNITS:
            for each in usage(unit, architecture)[0]:
                rows.setdefault(each.kernel, []).append(each)
    lines = ["| kernel | " + " | ".join(f"sm_{a}" for a in ARCHITECTURES) + " | shared memory | spilled |"]
    lines.append("|---" * (len(ARCHITECTURES) + 3) + "|")
    for kernel, each in rows.items():
        registers = " | ".join(str(one.registers) for one in each)
        shared, spilled = max(one.shared for one in each), max(one.spilled for one in each)
        lines.append(f"| `{kernel}` | {registers} | {shared} B | {spilled} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
