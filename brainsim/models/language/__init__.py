"""Language: the order of words, phrases stored as trees, speaking, understanding and parsing."""

from brainsim.models.language.grammar import Embedding, Grammar, Rule
from brainsim.models.language.grammars import english, read_grammar, russian
from brainsim.models.language.parsed import Dependency, Parsed
from brainsim.models.language.parser import Parser
from brainsim.models.language.scenes import Scene
from brainsim.models.language.sentences import Understood
from brainsim.models.language.speaker import Speaker
from brainsim.models.language.trees import add_phrase, merge_tree, read_tree
from brainsim.models.language.word_order import WordOrder

__all__ = [
    "Dependency",
    "Embedding",
    "Grammar",
    "Parsed",
    "Parser",
    "Rule",
    "Scene",
    "Speaker",
    "Understood",
    "WordOrder",
    "add_phrase",
    "english",
    "merge_tree",
    "read_grammar",
    "read_tree",
    "russian",
]
