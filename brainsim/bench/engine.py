"""The interface of an engine in a benchmark."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from brainsim.bench.work import Episode, Network, Neurons
from brainsim.errors import BrainsimError

OURS = "brainsim"
BASELINES = ("brute-force", "neural-assemblies")


class EngineUnavailableError(BrainsimError, RuntimeError):
    """An engine that is not installed, or cannot do this work in acceptable time or memory; the message says which."""


@dataclass(frozen=True)
class Settings:
    """Threads, and the backend that ``brainsim`` runs on; no engine's results depend on it.

    ``None`` are all cores, or the share of this process in ``NUMBA_NUM_THREADS``.
    """

    threads: int | None = None
    backend: str = "auto"


class Engine(ABC):
    """One brain, run by one implementation.

    Building it, ``Engine(network, settings)``, is set-up and is timed apart.
    """

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, network: Network, settings: Settings) -> None: ...

    @classmethod
    def check(cls, settings: Settings) -> None:
        """Refuse settings with which the engine cannot run.

        Raises
        ------
        DeclarationError
            If it may not use as many threads.
        """
        del settings

    @abstractmethod
    def run(self, episode: Episode) -> None:
        """Silence, show, and run the rounds, learning."""

    @abstractmethod
    def winners(self, area: str) -> Neurons:
        """Return what identifies the neurons of ``area`` that fired last, ascending."""

    def phases(self) -> dict[str, float] | None:
        """Return seconds spent so far by phase of the round, ``None`` if the engine does not measure it."""
        return None

    def close(self) -> None:  # noqa: B027 - most engines have nothing to free
        """Free the memory of the engine."""

    @classmethod
    def affordable(cls, network: Network, unit: Episode, wanted: int, *, recurs: bool) -> int:
        """Return how many units of work (of ``wanted``) one trial may have, so that it ends in acceptable time.

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
