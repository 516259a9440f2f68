"""A hippocampus for a language model: it stores a fact in one presentation, and recognizes the facts that it stored.

`Hippocampal` adds areas and fibers to a brain, and runs them with a simulator.  PyTorch is not needed: a language model
is any function that returns logits and hidden states.
"""

from brainsim.networks.memory.answered import Answered
from brainsim.networks.memory.content import ContentKey
from brainsim.networks.memory.facts import Recalled
from brainsim.networks.memory.hippocampal import Hippocampal
from brainsim.networks.memory.language import LanguageModel, of_torch
from brainsim.networks.memory.surface import SurfaceKey

__all__ = ["Answered", "ContentKey", "Hippocampal", "LanguageModel", "Recalled", "SurfaceKey", "of_torch"]
