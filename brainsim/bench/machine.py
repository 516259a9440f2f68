"""The properties of the machine on which times depend."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from brainsim.simulate import backends
from brainsim.studies.info import versions

_CPUINFO = Path("/proc/cpuinfo")


def describe_machine() -> dict[str, Any]:
    """Return platform, processor, cores and versions."""
    return {
        "platform": platform.platform(),
        "processor": processor(),
        "cores": backends.cores(),
        "versions": {**versions(), **_baseline()},
    }


def processor() -> str:
    """Return the model name of the processor, or at least its architecture."""
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _baseline() -> dict[str, str]:
    try:
        return {"neural-assemblies": metadata.version("neural-assemblies")}
    except metadata.PackageNotFoundError:
        return {}
