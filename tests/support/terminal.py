"""The command line, as a user types it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from brainsim import cli


def brainsim(*arguments: object, capsys: Any) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, output, errors."""
    before, sys.argv = sys.argv, ["brainsim", *map(str, arguments)]
    try:
        with pytest.raises(SystemExit) as stop:
            cli.main()
    finally:
        sys.argv = before
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err
