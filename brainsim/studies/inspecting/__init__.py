"""Looking at what brainsim wrote, and at what a file declares; each function returns records, the commands print them.

`check` says what is whole, `show` what is in it, `diff` where two of a kind part, `declared_brain` which brain a Python
file declares.
"""

from brainsim.studies.inspecting.outline import outline
from brainsim.studies.inspecting.source import declared_brain

__all__ = ["declared_brain", "outline"]
