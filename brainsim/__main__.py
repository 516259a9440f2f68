"""``python -m brainsim``."""

from brainsim.cli.main import main

main()
