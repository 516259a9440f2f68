"""Compilation with an on-disk cache that knows about every source file of kernels and law.

Numba's own cache looks at the file of a function only; constants and inlined functions of other files would go stale.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

# Waiting threads of GNU OpenMP spin by default, which stalls every round as soon as another process wants a core.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numba

_KERNELS = Path(__file__).parent.parent


def _cache_folder() -> str:
    """Return a folder for this very version of the sources, or none (Numba then chooses) where it cannot be written."""
    digest = hashlib.sha256()
    for path in sorted([*_KERNELS.glob("cpu/*.py"), *_KERNELS.glob("law/*.py")]):
        digest.update(path.read_bytes())
    writable = os.access(_KERNELS, os.W_OK)
    return str(_KERNELS / "__pycache__" / f"numba-{digest.hexdigest()[:16]}") if writable else ""


_FOLDER = numba.config.CACHE_DIR or _cache_folder()  # type: ignore[attr-defined]


# Only loops written with ``prange``: Numba would start all threads for every assignment to a slice, too.
_PRANGE_ONLY = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
)


def compiled(*, inline: Literal["never", "always"] = "never", parallel: bool = False) -> Callable[[Any], Any]:
    """Compile a function with Numba when it is first called, and keep the result on disk.

    ``parallel`` runs its ``prange`` loops on as many threads as `brainsim.kernels.cpu.threads.use_threads` said.
    """
    threaded: Any = {**_PRANGE_ONLY, "prange": True} if parallel else False

    def decorate(function: Any) -> Any:
        before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        numba.config.CACHE_DIR = _FOLDER  # type: ignore[attr-defined]
        try:
            return numba.njit(cache=True, nogil=True, inline=inline, parallel=threaded)(function)
        finally:
            numba.config.CACHE_DIR = before  # type: ignore[attr-defined]

    return decorate
