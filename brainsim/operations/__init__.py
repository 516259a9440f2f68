"""The operations of the assembly calculus, run on a simulator.

They are short protocols of rounds that a user could also write with `Simulator.run`.  The page
`docs/howto/operations.md` sets their names beside those of other packages.
"""

from brainsim.operations.binding import attach
from brainsim.operations.chains import MarkovChain, frequencies
from brainsim.operations.choosing import choice_noise, choose, flip_coin, imprint
from brainsim.operations.feeling import Feeler, Feeling, feel, swayed
from brainsim.operations.forming import associate, merge, project, reciprocal_project
from brainsim.operations.homeostasis import normalize
from brainsim.operations.inhibition import long_range_inhibition, mutual_inhibition, refract
from brainsim.operations.looking import evoke, input_to, most_driven
from brainsim.operations.machines import FiniteStateMachine
from brainsim.operations.memory import EpisodicMemory, Recall, familiar, recall, store
from brainsim.operations.reading import (
    ReadOut,
    Separation,
    chance_overlap,
    complete,
    cue_of,
    overlap,
    read_out,
    separate,
)
from brainsim.operations.replaying import Replay, consolidate, replay
from brainsim.operations.routing import Routed, route
from brainsim.operations.sequences import memorize_sequence, recall_sequence
from brainsim.operations.trace import Trace
from brainsim.operations.valuing import Choice, Chooser, choose_action, reward

__all__ = [
    "Choice",
    "Chooser",
    "EpisodicMemory",
    "Feeler",
    "Feeling",
    "FiniteStateMachine",
    "MarkovChain",
    "ReadOut",
    "Recall",
    "Replay",
    "Routed",
    "Separation",
    "Trace",
    "associate",
    "attach",
    "chance_overlap",
    "choice_noise",
    "choose",
    "choose_action",
    "complete",
    "consolidate",
    "cue_of",
    "evoke",
    "familiar",
    "feel",
    "flip_coin",
    "frequencies",
    "imprint",
    "input_to",
    "long_range_inhibition",
    "memorize_sequence",
    "merge",
    "most_driven",
    "mutual_inhibition",
    "normalize",
    "overlap",
    "project",
    "read_out",
    "recall",
    "recall_sequence",
    "reciprocal_project",
    "refract",
    "replay",
    "reward",
    "route",
    "separate",
    "store",
    "swayed",
]
