"""Compile a brain and a seed to a `Program`: the plain numbers that backends run."""

from __future__ import annotations

from brainsim.declare.brain import Brain
from brainsim.kernels.law.selection import area_key
from brainsim.kernels.law.weights import to_fixed
from brainsim.kernels.program import AreaSpec, FiberSpec, Program


def build(brain: Brain, seed: int) -> Program:
    """Return the program of a brain: its areas and fibers in the order of declaration."""
    index = {area.name: i for i, area in enumerate(brain.areas.values())}
    return Program(
        areas=tuple(
            AreaSpec(a.name, a.n, a.k, to_fixed(a.refraction), area_key(seed, a.name)) for a in brain.areas.values()
        ),
        fibers=tuple(
            FiberSpec(
                name=fiber.name,
                source=index[fiber.source.name],
                target=index[fiber.target.name],
                graph=fiber.graph(seed),
                update=fiber.plasticity.fixed_point() if fiber.plasticity else None,
            )
            for fiber in brain.fibers
        ),
    )
