"""The training loop that all networks share, its file (`checkpoints`), and several processes (`distributed`)."""

from brainsim.networks.recipe import Recipe
from brainsim.networks.training.loop import (
    Batch,
    Corpus,
    Trainer,
    TrainingError,
    decaying,
    evaluate,
    next_token_loss,
    plain_backward,
)

__all__ = [
    "Batch",
    "Corpus",
    "Recipe",
    "Trainer",
    "TrainingError",
    "decaying",
    "evaluate",
    "next_token_loss",
    "plain_backward",
]
