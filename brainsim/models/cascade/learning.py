"""Begin or resume a training; without PyTorch, an error says what to install."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainsim._arguments import checked
from brainsim.errors import DeclarationError
from brainsim.models.cascade.model import CascadeModel
from brainsim.networks.needs import require_torch

if TYPE_CHECKING:
    from brainsim.models.cascade.training import CascadeTraining


@checked("texts", "recipe", "held_out", "local")
def begin_training(
    model: CascadeModel, texts: Iterable[str], recipe: Any = None, *, held_out: float = 0.05, local: bool = True
) -> CascadeTraining:
    """Return a training of a model on texts; ``training.run()`` does it.  Needs PyTorch.

    Parameters
    ----------
    model : CascadeModel
        The model to train.
    texts : iterable of str
        The text.
    recipe : brainsim.networks.recipe.Recipe, optional
        By default 1000 steps of 20 windows of 50 words, that is, 1000 words a step.
    held_out : float
        Fraction of the words, at the end of the text, on which the loss is reported, 0 to 0.5.
    local : bool
        Whether the emotional weights learn, too.

    Raises
    ------
    TorchMissingError
        If PyTorch is not installed.
    DeclarationError
        If the text is too short, or a value is out of range.
    """
    require_torch()
    from brainsim.models.cascade.training import CascadeTraining
    from brainsim.networks.recipe import Recipe

    chosen = Recipe(steps=1000, batch=20, length=50, rate=1e-3) if recipe is None else recipe
    if not isinstance(chosen, Recipe):
        raise DeclarationError(where="begin_training.recipe", value=recipe, allowed="a Recipe")
    return CascadeTraining(model, texts, chosen, held_out=held_out, local=local)


@checked("texts")
def resume_training(path: str | Path, texts: Iterable[str], **simulator: Any) -> CascadeTraining:
    """Return the training in a file; it continues with the same bits as if it had never stopped.

    Parameters
    ----------
    path : str or Path
        A file that `CascadeTraining.save` wrote.
    texts : iterable of str
        The texts that the training began with.
    **simulator
        Passed to `Simulator`.

    Raises
    ------
    TorchMissingError
        If PyTorch is not installed.
    DumpError
        If the file cannot be read, is damaged, or contains no training, or one on other texts.
    """
    require_torch()
    from brainsim.models.cascade.saving import read_training

    return read_training(path, texts, **simulator)
