"""Make ``brainsim.kernels`` and ``brainsim.areas`` importable in a checkout, where they are beside this folder.

In an installation, both are inside the package.  Python started in the root of a checkout finds this folder before the
installed package, and would find neither of them.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

_INSIDE = Path(__file__).resolve().parent
_BESIDE = _INSIDE.parent


class _Beside(MetaPathFinder):
    """Finds the two packages beside this one in a checkout, and no other folder."""

    packages = {"brainsim.kernels": _BESIDE / "kernels", "brainsim.areas": _BESIDE / "areas"}

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        folder = self.packages.get(name)
        if folder is None:
            return None
        return spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])


if (_BESIDE / "kernels" / "program.py").is_file() and not (_INSIDE / "kernels").is_dir():
    # First in the list, because an editable install of another checkout has a finder for the same names.
    sys.meta_path.insert(0, _Beside())
