"""Ask for facts in all wordings: known ones, withheld relations of known names, and new names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from brainsim.networks.memory.made_up import WORDINGS, Fact, Facts
from facts.world import Sizes, World

OTHER = tuple(WORDINGS)[1:]  # wordings in which no fact was presented
LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
CALIBRATED = 100  # withheld names, and as many relations, that set the threshold
Familiar = Callable[[str], float]
Answers = Callable[[str, int], list[int]]


def for_calibration(facts: Facts, sizes: Sizes) -> list[Fact]:
    """Return new names and withheld relations, none of which is asked for later."""
    later = set(some_of(facts.withheld, sizes.probes))
    return [*facts.new[:CALIBRATED], *[fact for fact in facts.withheld if fact not in later][:CALIBRATED]]


def asked(
    world: World, facts: Facts, sizes: Sizes, answers: Answers, familiar: Familiar, threshold: float
) -> dict[str, Any]:
    """Ask for facts in all wordings: which are recalled, and which unknown ones are answered."""
    known, withheld = some_of(facts.stored, sizes.probes), some_of(facts.withheld, sizes.probes)
    new = facts.new[CALIBRATED:]
    seen: dict[str, Any] = {}
    curve: dict[str, list[float]] = {"recalled": [], "answered": []}
    for wording in WORDINGS:
        levels = {
            kind: np.array([familiar(fact.prompt(wording)) for fact in some])
            for kind, some in (("known", known), ("withheld", withheld), ("new", new))
        }
        right = np.array([answers(f.prompt(wording), len(world.answer(f))) == world.answer(f) for f in known])
        unknown = np.concatenate([levels["withheld"], levels["new"]])
        seen[f"recall_{wording}"] = float(right.mean())
        seen[f"unknown_answered_{wording}"] = float((unknown >= threshold).mean())
        for kind in ("withheld", "new"):
            seen[f"roc_auc_{kind}_{wording}"] = _roc_auc(levels["known"], levels[kind])
        if wording in OTHER:
            curve["recalled"].append([float((levels["known"] >= level).mean()) for level in LEVELS])  # type: ignore
            curve["answered"].append([float((unknown >= level).mean()) for level in LEVELS])  # type: ignore
    seen["recall_other"] = fmean(seen[f"recall_{each}"] for each in OTHER)
    seen["unknown_answered_other"] = fmean(seen[f"unknown_answered_{each}"] for each in OTHER)
    return seen | {"curve": {name: np.mean(each, axis=0).tolist() for name, each in curve.items()}}


def some_of(facts: Sequence[Fact], count: int) -> list[Fact]:
    """Return facts from the whole sequence, in equal steps."""
    return [facts[at] for at in np.linspace(0, len(facts) - 1, min(count, len(facts))).astype(int)]


def _roc_auc(known: npt.NDArray[Any], unknown: npt.NDArray[Any]) -> float:
    """Return how often a known fact is more familiar than an unknown one; ties count half."""
    return float(np.mean((known[:, None] > unknown) + 0.5 * (known[:, None] == unknown)))
