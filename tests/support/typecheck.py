"""Run ``mypy --strict`` on the three packages, laid out as they install: ``python tests/support/typecheck.py``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import ROOT


def typecheck() -> subprocess.CompletedProcess[str]:
    """Link the packages into one tree, because mypy does not follow ``package_dir``, and check this tree."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "brainsim"
        package.mkdir()
        for path in [*(ROOT / "brainsim").iterdir(), ROOT / "areas", ROOT / "kernels"]:
            (package / path.name).symlink_to(path)
        command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "setup.cfg"), "-p", "brainsim"]
        # Searched first, because typings/, which setup.cfg names for editors, has only a part of the packages.
        environment = {**os.environ, "MYPYPATH": folder}
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


if __name__ == "__main__":
    done = typecheck()
    sys.stdout.write(done.stdout + done.stderr)
    sys.exit(done.returncode)
