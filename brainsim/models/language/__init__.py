"""Language: phrases stored as trees, and parsing."""

from brainsim.models.language.grammar import Embedding, Grammar, Rule
from brainsim.models.language.grammars import english, read_grammar, russian
from brainsim.models.language.parsed import Dependency, Parsed
from brainsim.models.language.parser import Parser
from brainsim.models.language.trees import add_phrase, merge_tree, read_tree

__all__ = [
    "Dependency",
    "Embedding",
    "Grammar",
    "Parsed",
    "Parser",
    "Rule",
    "add_phrase",
    "english",
    "merge_tree",
    "read_grammar",
    "read_tree",
    "russian",
]
