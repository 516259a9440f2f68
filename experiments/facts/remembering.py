"""Facts in the hippocampus of a language model: stored once, asked for, and corrected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from brainsim import Brain, Fiber, Hebbian
from brainsim.networks.memory import ContentKey, Hippocampal, SurfaceKey, of_torch
from brainsim.networks.memory.made_up import Fact, Facts
from brainsim.studies.parts import Part
from facts.asking import asked, for_calibration, some_of
from facts.world import LENGTH, WIDTH, Sizes, World, held_out, losses_of

CORRECTED, PRESENTATIONS = 20, 3


def memorised(part: Part, arm: str, world: World, facts: Facts, sizes: Sizes, seed: int) -> dict[str, Any]:
    """Present each fact once to a memory with the key of an arm, and return what it recalls."""
    key = {
        "content": ContentKey(world.tokenizer.decode),
        "hidden": SurfaceKey(use="hidden"),
        "trace": SurfaceKey(use="trace"),
    }.get(arm, SurfaceKey())
    rule = Hebbian(0.0, 9.0) if arm == "beta_zero" else None
    vocabulary = world.tokenizer.vocabulary
    with Hippocampal(
        of_torch(world.model), Brain(), vocabulary=vocabulary, width=WIDTH, key=key, n=sizes.n, plasticity=rule,
        seed=seed, **part.simulator,
    ) as memory:  # fmt: skip
        memory.fit([world.background] if arm == "content" else world.pieces(400))
        presented = _shuffled(facts.stored) if arm == "shuffled" else facts.stored
        for fact in presented:
            memory.store(world.tokenizer.encode(fact.sentence))
        encode = world.tokenizer.encode
        unknown = [encode(fact.prompt()) for fact in for_calibration(facts, sizes)]
        memory.calibrate(unknown, world.pieces(sizes.tokens // LENGTH))

        def familiar(prompt: str) -> float:
            return memory.recall(encode(prompt)).familiarity

        def answers(prompt: str, new: int) -> list[int]:
            return memory.generate(encode(prompt), new)

        seen = {
            "threshold": memory.threshold,
            **asked(world, facts, sizes, answers, familiar, memory.threshold),
            **_text(world, memory),
            "bytes": 12.0 * len(memory.sim.connectome(_learning(memory)).learned()[0]),
        }
        return seen | (_corrected(world, facts, sizes, memory) if arm in ("surface", "content") else {})


def _learning(memory: Hippocampal) -> Fiber:
    return next(fiber for fiber in memory.sim.brain.fibers if fiber.name == "Facts.Code->Facts.Token")


def _shuffled(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts with the value of another name: the next fact of the same relation whose value differs."""
    found = []
    for at, fact in enumerate(facts):
        others = [each.value for each in (*facts[at + 1 :], *facts[:at]) if each.relation == fact.relation]
        found.append(Fact(fact.name, fact.relation, next((v for v in others if v != fact.value), fact.value)))
    return found


def _text(world: World, memory: Hippocampal) -> dict[str, Any]:
    """Read held-out text with and without the memory."""
    own, mixed, answered, same = [], [], 0, True
    model = of_torch(world.model)
    for piece in held_out(world):
        found, logits = memory(piece[:-1]), model(piece[:-1])[0][0].numpy()
        own.append(losses_of(logits, piece))
        mixed.append(losses_of(found.logits, piece))
        answered += int(found.answered.sum())
        same &= found.logits[~found.answered].tobytes() == logits[~found.answered].tobytes()
    change = math.exp(np.concatenate(mixed).mean()) - math.exp(np.concatenate(own).mean())
    return {
        "perplexity": math.exp(np.concatenate(mixed).mean()),
        "perplexity_change": change,
        "text_answered": float(answered),
        "text_unchanged": float(same and not answered),
    }


def _corrected(world: World, facts: Facts, sizes: Sizes, memory: Hippocampal) -> dict[str, Any]:
    """Change the values of some facts, and teach each in three presentations."""
    rng = np.random.default_rng(sizes.load)
    # One fact of a name; the other is a neighbour.
    changed = some_of(facts.stored[::2], min(CORRECTED, sizes.load // 4))
    names = {fact.name for fact in changed}
    neighbours = [fact for fact in facts.stored[1::2] if fact.name in names]
    others = some_of([fact for fact in facts.stored if fact.name not in names], sizes.probes)
    values = {fact.relation: [f.value for f in facts.stored if f.relation == fact.relation] for fact in changed}
    new = [Fact(f.name, f.relation, _other(rng, f, values[f.relation], world)) for f in changed]

    def right(some: Sequence[Fact]) -> float:
        return fmean(memory.recall(world.tokenizer.encode(f.prompt())).token == world.answer(f)[0] for f in some)

    before = right(neighbours), right(others)
    curve = []
    for _ in range(PRESENTATIONS):
        for fact in new:
            memory.correct(world.tokenizer.encode(fact.sentence))
        curve.append({"old": right(changed), "new": right(new)})
    return {
        "old_value": curve[-1]["old"],
        "new_value": curve[-1]["new"],
        "neighbours_lost": before[0] - right(neighbours),
        "others_lost": before[1] - right(others),
        "correction": curve,
    }


def _other(rng: np.random.Generator, fact: Fact, values: Sequence[str], world: World) -> str:
    """Return another value of the same relation whose first token differs."""
    first = world.answer(fact)[0]
    some = sorted({v for v in values if world.tokenizer.encode(f" {v}")[0] != first})
    return str(rng.choice(some)) if some else "unknown"
