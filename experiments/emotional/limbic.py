"""A word is heard, forms an assembly that an amygdala influences, and is recalled from half its sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

from brainsim import Area, Assembly, FiberSet, Modulator, Simulator
from brainsim.areas import Amygdala
from brainsim.operations import feel, swayed
from brainsim.operations.feeling import Feeling

FORMING, RECALLING = 5, 5  # rounds


def hear(sim: Simulator, amygdala: Amygdala, sound: Assembly, hears: Any) -> Feeling:
    """Return the feeling that a heard word causes."""
    sim.present(sound)
    sim.run(hears)
    feeling = feel(sim, amygdala)
    sim.silence(sound.area, amygdala.words)
    return feeling


def mean_feeling(felt: Sequence[Feeling]) -> Feeling:
    """Return a feeling whose dopamine, threshold and noise are the means of several."""
    means = {name: fmean(getattr(each, name) for each in felt) for name in ("dopamine", "threshold", "noise")}
    return replace(felt[0], **means)


def form(
    sim: Simulator, feeling: Feeling, dopamine: Modulator, sound: Assembly, lex: Area, learns: FiberSet, rng: Any
) -> tuple[Assembly, float, int]:
    """Let a word form its assembly; return it, how many neurons fired in a round, and how many fired at all."""
    ever: set[int] = set()
    fired = []
    sim.set_modulator(dopamine, feeling.dopamine)
    sim.silence(lex)
    sim.present(sound)
    for _ in range(FORMING):
        with swayed(sim, lex, feeling, rng=rng):
            sim.run(learns)
        fired.append(len(sim.assembly(lex)))
        ever |= set(sim.assembly(lex).neurons.tolist())
    whole = sim.assembly(lex)
    sim.silence(sound.area, lex)
    return whole, fmean(fired), len(ever)


def recalled_share(sim: Simulator, sound: Assembly, lex: Area, learns: FiberSet, whole: Assembly) -> float:
    """Return the share of an assembly that half the sound of its word recalls."""
    if not len(whole):
        return 0.0
    with sim.frozen():
        sim.silence(lex)
        sim.present(Assembly(sound.area, sound.neurons[: len(sound) // 2]))
        sim.run(learns, rounds=RECALLING)
        return len(np.intersect1d(sim.assembly(lex).neurons, whole.neurons)) / len(whole)
