"""Information about this machine and this installation."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from brainsim._version import __version__
from brainsim.errors import BackendError
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.kernels.law.selection import TIES_VERSION
from brainsim.simulate import backends

_STATUS = Path("/proc/self/status")
_PACKAGES = ("numpy", "scipy", "numba", "h5py", "matplotlib", "click", "tqdm")


def versions() -> dict[str, str]:
    """Return the versions of brainsim, its random graph and tie rule, of Python and the packages it runs on."""
    law = {"graph": str(GRAPH_VERSION), "ties": str(TIES_VERSION)}
    found = {"brainsim": __version__, **law, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def peak_rss_mb() -> float | None:
    """Return the largest resident memory of this process so far, in MiB; ``None`` if the system does not provide it.

    On Linux, ``getrusage`` is not used: there a new process inherits the peak of its parent.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    try:
        import resource
    except ImportError:  # on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def describe() -> dict[str, Any]:
    """Return versions, the machine, for each backend ``None`` or why it does not run here, and the GPU if any."""
    from brainsim.kernels.gpu import cuda_device

    return {
        "versions": versions(),
        "machine": {"platform": platform.platform(), "processor": platform.machine(), "cores": backends.cores()},
        "backends": {name: backends.unavailable(name) for name in backends.CLASSES},
        "auto": _auto(),
        "gpu": None if backends.unavailable("gpu") else cuda_device.versions(),
    }


def _auto() -> str | None:
    """Return the backend that ``auto`` selects here, ``None`` if it is an error."""
    try:
        return backends.resolve("auto")
    except BackendError:
        return None
