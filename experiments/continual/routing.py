"""Which operation a cue means: its description, another description, half of the neurons, or only examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numpy as np

from brainsim import Area, Assembly, Brain, Hebbian, OneToOne, Simulator
from brainsim.networks.operations import Operation, operations
from brainsim.studies.parts import Part
from continual.shared import LEVELS, RESULTS, TEACHES, Neurons, ordered

WORDS, WORD_K, MEANT_K = 20_000, 20, 50
EXAMPLES = 8


def routed(part: Part, count: int, seed: int) -> dict[str, float]:
    """Present each operation once, with two descriptions and its table; return the shares of cues recognised."""
    chosen = ordered(count, seed)
    brain, rng = Brain(), np.random.default_rng([seed, 3])
    words = brain.add(Area("Words", WORDS, WORDS))
    meant, teacher = brain.add(Area("Meant", count * MEANT_K, MEANT_K), Area("Teacher", count * MEANT_K, MEANT_K))
    links = brain.connect(words, meant, 0.5, Hebbian(8.0, 9.0))
    teaches = brain.connect(teacher, meant, graph=OneToOne(), weight=TEACHES)
    code: dict[str, Neurons] = {}

    def cue(symbols: Sequence[str]) -> Neurons:
        for each in symbols:
            code.setdefault(each, rng.choice(WORDS, WORD_K, replace=False))
        return np.unique(np.concatenate([code[each] for each in symbols]))

    cues = {name: [cue(_symbols(each, name, seed)) for each in chosen] for name in ("seen", "other_words", "examples")}
    cues["corrupted"] = [_corrupted(each, rng) for each in cues["seen"]]
    taught = [[cue(_symbols(each, name, seed)) for name in ("seen", "paraphrase", "table")] for each in chosen]
    with Simulator(brain, seed, **part.simulator) as sim:
        for at, several in enumerate(taught):
            for each in several:
                sim.silence(meant)
                sim.present(Assembly("Words", each), Assembly("Teacher", range(at * MEANT_K, (at + 1) * MEANT_K)))
                sim.run(teaches, learn=links)
        sim.silence()
        right = {name: _share_right(sim, [words, meant], links, each) for name, each in cues.items()}
    return {**right, "shared_words": _by_shared_words(chosen, seed)}


def _by_shared_words(chosen: Sequence[Operation], seed: int) -> float:
    """Return the share of descriptions in other words that share most words with the right known descriptions."""
    known = [{*_symbols(each, "seen", seed), *_symbols(each, "paraphrase", seed)} for each in chosen]
    found_in = Counter(word for each in known for word in each)
    weights = {word: log(len(chosen) / count) for word, count in found_in.items()}
    right = 0
    for at, operation in enumerate(chosen):
        asked = {*_symbols(operation, "other_words", seed)}
        right += int(np.argmax([sum(weights[word] for word in asked & each) / sqrt(len(each)) for each in known])) == at
    return right / len(chosen)


def _share_right(sim: Simulator, areas: Sequence[Area], links: Any, cues: Sequence[Neurons]) -> float:
    """Return the share of cues for which most of the neurons that fire belong to the right operation."""
    right = 0
    with sim.frozen():
        for at, each in enumerate(cues):
            sim.silence(areas[1])
            sim.present(Assembly(areas[0].name, each))
            sim.run(links, learn=())
            votes = np.bincount(sim.assembly(areas[1]).neurons // MEANT_K, minlength=len(cues))
            right += int(votes.argmax() == at and (votes == votes.max()).sum() == 1)
    return right / len(cues)


def _symbols(operation: Operation, cue: str, seed: int) -> list[str]:
    """Return the words of a description, or the triples of operands and result of a table or of some examples."""
    if cue in ("table", "examples"):
        table = operation.symbols(LEVELS, RESULTS)
        triples = [f"{a} {b} {table[a, b]}" for a, b in np.ndindex(LEVELS, LEVELS)]
        if cue == "table":
            return triples
        picked = np.random.default_rng([seed, operations().index(operation)]).choice(
            len(triples), EXAMPLES, replace=False
        )
        return [triples[at] for at in picked]
    text = {
        "seen": operation.description,
        "paraphrase": operation.paraphrase,
        "other_words": operation.held_out,
    }[cue]
    name = [f"name: {operation.name}"] if cue == "seen" else []
    return name + [word.strip(".,:;()?").lower() for word in text.split()]


def _corrupted(neurons: Neurons, rng: np.random.Generator) -> Neurons:
    """Return neurons of which half are replaced by random ones."""
    kept = rng.choice(neurons, len(neurons) - len(neurons) // 2, replace=False)
    others = rng.choice(np.setdiff1d(np.arange(WORDS), neurons), len(neurons) // 2, replace=False)
    return np.concatenate([kept, others])
