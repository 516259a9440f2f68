"""Random brains of a batch on a GPU, with different seeds and schedules: each agrees with a single brain."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from test_properties import FRESH, Draw, for_all_drawn
from test_regional import RegionalSteps, regional_plays

from brainsim import Batch
from playing import play, play_in
from plays import Load, Play, Probe, Step, declared, difference

JOINT = 3


@st.composite
def joint_plays(draw: Draw[Any]) -> tuple[Play, ...]:
    """Draw plays of one brain, which differ in seeds and steps."""
    first = draw(regional_plays())
    schedules = RegionalSteps(first.sizes, first.links, first.signals).schedules()
    seeds = draw(st.lists(st.integers(0, 2**64 - 1), min_size=JOINT, max_size=JOINT, unique=True))
    return tuple(replace(first, seed=seed, steps=within(draw(schedules))) for seed in seeds)


def within(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Change each step that loads a state into a new simulator; a batch has none."""
    return tuple(_within(step) for step in steps)


def _within(step: Step) -> Step:
    if isinstance(step, Probe):
        return Probe(within(step.steps))
    return replace(step, into="here") if isinstance(step, Load) else step


def compare_joint(plays: Any, _chosen: dict[str, float]) -> None:
    by_seed: dict[int, Play] = {each.seed: each for each in plays}
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a thread that catches warnings restores filters of other threads
        folder = Path(name)
        with Batch(declared(plays[0]), by_seed, backend="gpu") as batch:
            found = batch.each(lambda sim: play_in(sim, by_seed[sim.seed], folder))
        expected = [play(each, "reference", folder) for each in plays]
    assert [difference(*pair) for pair in zip(found, expected, strict=True)] == [""] * JOINT


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_brains_of_a_batch_agree_with_single_brains(number: int, emulated_gpu: None) -> None:
    for_all_drawn(compare_joint, joint_plays(), number, FRESH)
