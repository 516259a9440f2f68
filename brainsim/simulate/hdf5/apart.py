"""Check a file in a child process, where a crash or a hang of the HDF5 library does no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from brainsim.errors import DumpError
from brainsim.simulate.hdf5 import structure

SECONDS = 20.0
"""Time limit of a check, in addition to the time for reading."""

_BYTES_A_SECOND = 10 * 2**20
_MEMORY = 16 * 2**30

# The child is given the folders that this process finds modules in, and runs one module by its path.  It needs neither
# the program that this process runs, which `multiprocessing` would import again, nor brainsim.  It is no fork, which
# would inherit threads and locks of Numba and HDF5.  h5py alone takes a third of a second.
_CHILD = """\
import sys
path, live, module, memory, *sys.path[:] = sys.argv[1:]
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
import runpy
walk = runpy.run_path(module)["walk"]
try:
    sys.exit(0 if walk(path, live=live == "live") else 4)
except Exception as error:
    print(str(error).splitlines()[0] if str(error) else type(error).__name__)
    sys.exit(3)
"""


def look(path: Path, *, live: bool) -> None:
    """Open and read a whole file in a child process.

    Raises
    ------
    DumpError
        If the file is not what brainsim writes, or HDF5 fails, crashes or hangs on it.
    """
    seconds = SECONDS + path.stat().st_size / _BYTES_A_SECOND
    arguments = [str(path), "live" if live else "still", structure.__file__, str(_MEMORY), *sys.path]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _CHILD, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8:replace"},
        )
    except subprocess.TimeoutExpired:
        raise DumpError(f"{path}: is damaged (HDF5 had not read it after {seconds:.0f} seconds)") from None
    if done.returncode == 3:
        raise DumpError(f"{path}: is damaged or foreign ({done.stdout.decode(errors='replace').strip()})")
    if done.returncode == 4:
        raise DumpError(f"{path}: is not a file of brainsim (it has no attribute brainsim_format)")
    if done.returncode:
        raise DumpError(f"{path}: is damaged (HDF5 cannot read it: {_ending(done.returncode, done.stderr)})")


def _ending(code: int, errors: bytes) -> str:
    if code < 0:
        return f"it ends by signal {-code}"
    lines = errors.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {code}"
