"""Peak memory, measured in a separate process: within one process, the peaks of several engines cannot be separated.

The figure is the largest resident memory of a fresh Python that does one run: the interpreter and the imported packages
are in it (about 100 MiB), and so is the compiler where nothing was compiled and kept before.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from brainsim.errors import SimulationError
from brainsim.studies import info


def peak_of(function: Callable[..., object], *arguments: Any) -> float:
    """Return the peak resident memory in MiB of a fresh Python process that calls ``function(*arguments)``.

    The function is one of a module; the arguments can be pickled.
    """
    child = subprocess.run(
        [sys.executable, "-m", "brainsim.bench.memory"],
        input=pickle.dumps((function, arguments)),
        stdout=subprocess.PIPE,
        check=False,
    )
    if child.returncode:
        raise SimulationError(f"bench: the process that measures memory ended with exit code {child.returncode}")
    return float(child.stdout)


def _serve() -> None:
    function, arguments = pickle.loads(sys.stdin.buffer.read())  # from our own process, see peak_of
    function(*arguments)
    sys.stdout.write(str(info.peak_rss_mb()))


if __name__ == "__main__":
    _serve()
