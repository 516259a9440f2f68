"""The models that ``brainsim lm`` knows by name: their sizes, and the number of parameters of each part.

A module that defines models lists them in ``PRESETS``; `_MODULES` names these modules.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brainsim.errors import BrainsimError, unknown
from brainsim.networks.needs import require_torch

if TYPE_CHECKING:
    from torch import nn

_MODULES = ("brainsim.networks.geometric_presets", "brainsim.networks.nokai_presets")


class PresetError(BrainsimError, KeyError):
    """The preset is unknown, or does not support the request."""


@dataclass(frozen=True)
class Check:
    """One check of ``brainsim lm verify``.

    Parameters
    ----------
    name : str
        What is checked.
    found, wanted : str
        What was found, and what was expected.
    right : bool
        Whether both agree.
    """

    name: str
    found: str
    wanted: str
    right: bool


@dataclass(frozen=True)
class Preset:
    """A model of given sizes.

    Parameters
    ----------
    name : str
        As ``--preset`` takes it.
    about : str
        One line for ``brainsim lm presets``.
    config : object
        A dataclass of plain values; a checkpoint holds them.
    build : callable
        ``build(config, seed)`` returns the model: ``model(tokens, cache=None)`` gives logits, ``model.cache()`` an
        empty cache, and ``model.config`` the config.
    counts : mapping of str to int
        Parameters of each part, as ``parts`` counts them.
    parts : callable
        ``parts(model)`` returns the parameters of each part of a model.
    checks : callable, optional
        ``checks(model)`` returns checks that are specific to this kind of model.
    large : bool
        Whether its parameters are only counted, without memory for weights, unless a model is requested.
    """

    name: str
    about: str
    config: Any
    build: Callable[[Any, int], nn.Module]
    counts: Mapping[str, int]
    parts: Callable[[nn.Module], Mapping[str, int]]
    checks: Callable[[nn.Module], Iterable[Check]] | None = None
    large: bool = False

    @property
    def parameters(self) -> int:
        """All parameters."""
        return sum(self.counts.values())

    def model(self, seed: int = 0, config: Any = None) -> nn.Module:
        """Return a new model, with weights that follow from the seed."""
        return self.build(self.config if config is None else config, seed)

    def counted(self) -> Mapping[str, int]:
        """Return the parameters of each part of a model that has no memory for its weights."""
        import torch

        with torch.device("meta"):
            return self.parts(self.build(self.config, 0))


def presets() -> dict[str, Preset]:
    """Return all presets by name.

    Raises
    ------
    TorchMissingError
        If PyTorch is not installed.

    Examples
    --------
    >>> from brainsim.networks.presets import presets
    >>> presets()["geometric_10m"].parameters
    9982078
    """
    require_torch()
    found = [each for name in _MODULES for each in importlib.import_module(name).PRESETS]
    return {each.name: each for each in found}


def preset(name: str) -> Preset:
    """Return the preset of a name.

    Raises
    ------
    PresetError
        If there is none.
    """
    known = presets()
    if name not in known:
        raise PresetError(unknown("preset", name, known))
    return known[name]
