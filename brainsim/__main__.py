"""``python -m brainsim``."""

from brainsim.cli import main

main()
