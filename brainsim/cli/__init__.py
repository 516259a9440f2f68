"""The command line: ``brainsim run``, ``check``, ``show``, ``diff``, ``plot``, ``graph``, ``report`` and more."""

from brainsim.cli.main import main

__all__ = ["main"]
