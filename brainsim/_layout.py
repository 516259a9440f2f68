"""Makes ``brainsim.kernels`` and ``brainsim.areas`` importable in a checkout, where they lie beside this folder.

An installed copy has them inside.  Without this, Python started in the root of a checkout would find this folder before
the installed package, and no kernels.
"""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def _extend() -> None:
    beside = _FOLDER.parent
    if (beside / "kernels" / "program.py").is_file() and not (_FOLDER / "kernels").is_dir():
        sys.modules["brainsim"].__path__.append(str(beside))


_extend()
