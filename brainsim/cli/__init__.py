"""The command line: ``brainsim run``, ``info``, ``parameters`` and ``bench``."""

from brainsim.cli.main import main

__all__ = ["main"]
