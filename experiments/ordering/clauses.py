"""Real clauses: reading them, and how well a brain that has heard some says the others in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from brainsim.errors import ExperimentError
from brainsim.models.language import Scene, WordOrder
from brainsim.models.nemo.tables import read_table
from brainsim.studies.parts import Part
from ordering.world import LETTERS

Sentence = tuple[tuple[str, ...], Scene]


def read_sentences(path: Path, language: str, words: int) -> list[Sentence]:
    """Return real clauses of frequent nouns and verbs, as the words of their subject, verb and object in order."""
    table = read_table(path, "\t", quotes=False, required=[("order",), ("subj", "subject"), ("obj", "object")])
    names = {"S": table.column("subj", "subject"), "V": table.column("verb"), "O": table.column("obj", "object")}
    if language:
        table.column("language")
    rows = [row for row in table.rows if not language or row["language"] == language]
    rows = [row for row in rows if set(row["order"]) in ({*"SVO"}, {*"SV"}, {*"VO"})]
    usual = {}
    for kind, letters in (("noun", "SO"), ("verb", "V")):
        counts = Counter(row[names[each]] for row in rows for each in letters if each in row["order"])
        usual[kind] = {word for word, _ in counts.most_common(words)} - {""}
    found = []
    for row in rows:
        said = tuple(row[names[each]] for each in row["order"])
        kinds = ["verb" if each == "V" else "noun" for each in row["order"]]
        if len({*said}) == len(said) and all(w in usual[kind] for w, kind in zip(said, kinds, strict=True)):
            fillers = dict(zip((LETTERS[each] for each in row["order"]), said, strict=True))
            found.append((said, Scene(fillers.get("agent"), fillers["action"], fillers.get("patient"))))
    both = usual["noun"] & usual["verb"]
    found = [(said, scene) for said, scene in found if not both & {*said}]
    if len(found) < 10:
        raise ExperimentError(f"--set clauses={path}: has {len(found)} clauses of usual words; take more words")
    return found


def heard_clauses(part: Part, sentences: Sequence[Sentence], sizes: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Hear four of five real clauses in random order, and say the scenes of the others."""
    rng = np.random.default_rng([seed, 18])
    order = [sentences[at] for at in rng.permutation(len(sentences))]
    verbs = sorted({scene.action for _, scene in order})
    nouns = sorted({word for _, scene in order for word in (scene.agent, scene.patient) if word})
    brain, cut = WordOrder(nouns, verbs, seed=seed, **sizes, **part.simulator), len(order) * 4 // 5
    with brain.sim:
        for said, scene in order[:cut]:
            brain.hear(said, scene)
        right = Counter(scene.frame for said, scene in order[cut:] if brain.say(scene) == said)
    held = Counter(scene.frame for _, scene in order[cut:])
    return {"right": {f: right[f] / held[f] for f in held}, "majority": _majority(order[cut:]), "tested": dict(held)}


def _majority(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Return how often each frame has its most frequent order: the best score of one order for each frame."""
    kinds: dict[str, Counter[tuple[str, ...]]] = {}
    for said, scene in sentences:
        roles = {word: role for role, word in scene.fillers.items()}
        kinds.setdefault(scene.frame, Counter())[tuple(roles[word] for word in said)] += 1
    return {frame: max(counts.values()) / counts.total() for frame, counts in kinds.items()}


def by_frame(parts: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return, by frame, the share of held-out clauses said in their order, and the best score of a single order."""
    return {
        name: {frame: fmean(part[name].get(frame, 0.0) for part in parts) for frame in parts[0]["tested"]}
        for name in ("right", "majority", "tested")
    }
