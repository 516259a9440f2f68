"""What a benchmark asks of an engine, and which engines there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from brainsim.bench.work import Episode, Network, Neurons
from brainsim.errors import BrainsimError

OURS = "brainsim"
BASELINES = ("brute-force", "neural-assemblies")


class EngineUnavailableError(BrainsimError, RuntimeError):
    """An engine that is not installed, or cannot do this work in bearable time or memory; the message says which."""


@dataclass(frozen=True)
class Settings:
    """Threads (all cores if ``None``), and the backend that ``brainsim`` runs on; no engine's results depend on it."""

    threads: int | None = None
    backend: str = "auto"


class Engine(ABC):
    """One brain in the hands of one implementation.

    Building it, ``Engine(network, settings)``, is set-up and is timed apart.
    """

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, network: Network, settings: Settings) -> None: ...

    @abstractmethod
    def run(self, episode: Episode) -> None:
        """Silence, show, and run the rounds, learning."""

    @abstractmethod
    def winners(self, area: str) -> Neurons:
        """Return what identifies the neurons of ``area`` that fired last, ascending."""

    def phases(self) -> dict[str, float] | None:
        """Return seconds spent so far by phase of the round, ``None`` if the engine does not tell."""
        return None

    def close(self) -> None:  # noqa: B027 - most engines have nothing to free
        """Free what the engine holds."""

    @classmethod
    def affordable(cls, network: Network, unit: Episode, wanted: int, *, recurs: bool) -> int:
        """Return how many units of work (of ``wanted``) one trial may have, so that it ends in bearable time.

        Parameters
        ----------
        network, unit : Network, Episode
            The brain, and one unit of the work.
        wanted : int
            Units of the whole work.
        recurs : bool
            Whether the same words come again and again.

        Raises
        ------
        EngineUnavailableError
            If not even two are affordable.
        """
        del network, unit, recurs
        return wanted


def settle(names: Mapping[str, None] | tuple[str, ...]) -> tuple[dict[str, type[Engine]], list[str]]:
    """Return the engines that are installed, and a line for each that is not."""
    found, missing = {}, []
    for name in names:
        try:
            found[name] = engine_class(name)
        except EngineUnavailableError as error:
            missing.append(str(error))
    return found, missing


def engine_class(name: str) -> type[Engine]:
    """Return the engine called ``name``.

    Raises
    ------
    EngineUnavailableError
        If the package that it stands for is not installed.
    """
    if name == "brute-force":
        from brainsim.bench.brute_force import BruteForce

        return BruteForce
    if name == "neural-assemblies":
        from brainsim.bench.sampled import NeuralAssemblies, check_installed

        check_installed()
        return NeuralAssemblies
    from brainsim.bench.ours import Brainsim

    return Brainsim
