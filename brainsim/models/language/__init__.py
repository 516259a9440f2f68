"""Language: the order of words, said and understood."""

from brainsim.models.language.scenes import Scene
from brainsim.models.language.sentences import Understood
from brainsim.models.language.speaker import Speaker
from brainsim.models.language.word_order import WordOrder

__all__ = ["Scene", "Speaker", "Understood", "WordOrder"]
