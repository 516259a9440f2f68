"""Activations: how an area selects the neurons that fire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from brainsim.kernels import program


class Activation(ABC):
    """How an area selects the neurons that fire, of which there are at most ``k``.

    A new kind of activation is a subclass that names the part of a program that backends run, and the threshold of all
    neurons at the beginning of a simulation.
    """

    threshold: float = 0.0

    @abstractmethod
    def part(self) -> program.TopK:
        """Return what backends run."""


@dataclass(frozen=True)
class TopK(Activation):
    """The ``k`` neurons with the largest positive drive fire (k-winners-take-all); the default."""

    def part(self) -> program.TopK:
        """Return what backends run."""
        return program.TopK()


TOP_K = TopK()
