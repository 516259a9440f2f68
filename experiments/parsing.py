"""Parse sentences with a brain whose grammar opens and closes locks: English, Russian in any order, nested clauses.

A sentence is made from a pattern of word classes, for which the dependencies are known.  It counts as right if the
dependencies that are read when only the root of the parsed sentence fires are exactly those of its pattern.  A new
brain parses each sentence.  Two protocols are compared: a word's assembly forms from the word alone for five rounds,
and is then held and linked; or, as published (Mitropolsky, Collins & Papadimitriou, TACL 2021), all fibers are open
from the first round on.  Then one brain parses many sentences; it forgets the links of earlier sentences, or keeps
them.  The words of English sentences are drawn from a small vocabulary; two determiners or two prepositions of one
sentence may be the same word.

Success is stated in advance, as means over seeds.  Right are at least .98 of English sentences, all Russian ones, .95
of sentences with clauses, and .98 of those that one brain parses with forgetting.  Controls: without plasticity at most
.05 are right, and without forgetting at most .5.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import permutations
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.errors import DeclarationError
from brainsim.models.language import Dependency, Grammar, Parsed, Parser, english, russian
from brainsim.studies.comparison import measured, over_seeds, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

CLASSES = {"D": "determiner", "A": "adjective", "N": "noun", "T": "transitive", "I": "intransitive", "B": "copula",
           "V": "adverb", "P": "preposition"}  # fmt: skip
REPEATED = ("determiner", "preposition")  # classes whose words may occur twice in a sentence

# For each pattern of word classes its dependencies: position of the head, label, position of the dependent word.
ENGLISH = {
    "N I": "1 SUBJ 0",
    "D N I": "2 SUBJ 1, 1 DET 0",
    "A N I": "2 SUBJ 1, 1 ADJ 0",
    "D A N I": "3 SUBJ 2, 2 DET 0, 2 ADJ 1",
    "N T N": "1 SUBJ 0, 1 OBJ 2",
    "D N T N": "2 SUBJ 1, 1 DET 0, 2 OBJ 3",
    "N T D N": "1 SUBJ 0, 1 OBJ 3, 3 DET 2",
    "D N T D N": "2 SUBJ 1, 1 DET 0, 2 OBJ 4, 4 DET 3",
    "A N T A N": "2 SUBJ 1, 1 ADJ 0, 2 OBJ 4, 4 ADJ 3",
    "D A N T D A N": "3 SUBJ 2, 2 DET 0, 2 ADJ 1, 3 OBJ 6, 6 DET 4, 6 ADJ 5",
    "N I V": "1 SUBJ 0, 1 ADVERB 2",
    "N V I": "2 SUBJ 0, 2 ADVERB 1",
    "V N I": "2 SUBJ 1, 2 ADVERB 0",
    "N T N V": "1 SUBJ 0, 1 OBJ 2, 1 ADVERB 3",
    "D N V T D N": "3 SUBJ 1, 1 DET 0, 3 ADVERB 2, 3 OBJ 5, 5 DET 4",
    "N B A": "1 SUBJ 0, 1 ADJ 2",
    "D A N B A": "3 SUBJ 2, 2 DET 0, 2 ADJ 1, 3 ADJ 4",
    "N P N I": "3 SUBJ 0, 0 PREP_P 2, 2 PREP 1",
    "N I P N": "1 SUBJ 0, 1 PREP_P 3, 3 PREP 2",
    "N T N P N": "1 SUBJ 0, 1 OBJ 2, 2 PREP_P 4, 4 PREP 3",
    "D N P D N I": "5 SUBJ 1, 1 DET 0, 1 PREP_P 4, 4 PREP 2, 4 DET 3",
    "D N P D A N I V": "6 SUBJ 1, 1 DET 0, 1 PREP_P 5, 5 PREP 2, 5 DET 3, 5 ADJ 4, 6 ADVERB 7",
    "N P N T N P N": "3 SUBJ 0, 0 PREP_P 2, 2 PREP 1, 3 OBJ 4, 4 PREP_P 6, 6 PREP 5",
    "D N P D N T D N P D N": "5 SUBJ 1, 1 DET 0, 1 PREP_P 4, 4 PREP 2, 4 DET 3, "
    "5 OBJ 7, 7 DET 6, 7 PREP_P 10, 10 PREP 8, 10 DET 9",
}
CLAUSES = {
    "N that N T , I": "5 SUBJ 0, 0 CLAUSE 3, 3 SUBJ 2, 3 OBJ 0",
    "D N that D A N T , I V": "8 SUBJ 1, 1 DET 0, 1 CLAUSE 6, 6 SUBJ 5, 5 DET 3, 5 ADJ 4, 6 OBJ 1, 8 ADVERB 9",
    "N that N T , T N": "5 SUBJ 0, 0 CLAUSE 3, 3 SUBJ 2, 3 OBJ 0, 5 OBJ 6",
    "N that I , I": "4 SUBJ 0, 0 CLAUSE 2, 2 SUBJ 0",
    "N that T N , I": "5 SUBJ 0, 0 CLAUSE 2, 2 SUBJ 0, 2 OBJ 3",
    "N that T N , T N": "5 SUBJ 0, 0 CLAUSE 2, 2 SUBJ 0, 2 OBJ 3, 5 OBJ 6",
    "N T N that I ,": "1 SUBJ 0, 1 OBJ 2, 2 CLAUSE 4, 4 SUBJ 2",
    "N T N that N T ,": "1 SUBJ 0, 1 OBJ 2, 2 CLAUSE 5, 5 SUBJ 4, 5 OBJ 2",
    "N that N that N T , T , I": "9 SUBJ 0, 0 CLAUSE 7, 7 SUBJ 2, 7 OBJ 0, 2 CLAUSE 5, 5 SUBJ 4, 5 OBJ 2",
    "N that N that T N , T , I": "9 SUBJ 0, 0 CLAUSE 7, 7 SUBJ 2, 7 OBJ 0, 2 CLAUSE 4, 4 SUBJ 2, 4 OBJ 5",
    "N that N that N that N T , T , T , I": "13 SUBJ 0, 0 CLAUSE 11, 11 SUBJ 2, 11 OBJ 0, 2 CLAUSE 9, 9 SUBJ 4, "
    "9 OBJ 2, 4 CLAUSE 7, 7 SUBJ 6, 7 OBJ 4",
}
RUSSIAN = {
    " ".join(order): ", ".join(
        f"{order.index('verb')} {case.upper()} {order.index(name)}"
        for name, case in (("nominative", "nom"), ("accusative", "acc"), ("dative", "dat"))
        if name in order
    )
    for words in (("nominative", "verb", "accusative"), ("nominative", "verb", "accusative", "dative"))
    for order in permutations(words)
}
SETS: dict[str, dict[str, str]] = {"english": ENGLISH, "clauses": CLAUSES, "russian": RUSSIAN}
PROTOCOLS = {"alone": {}, "published": {"alone": 0}, "beta_zero": {"beta": 0.0}}
TITLES = {"alone": "formed alone, then linked", "published": "all fibers open at once", "beta_zero": "nothing learns"}
CRITERIA = {"english": 0.98, "russian": 1.0, "clauses": 0.95, "forgetting": 0.98, "beta_zero": 0.05, "keeping": 0.5}


class Made(NamedTuple):
    """A sentence made from a pattern, and its dependencies."""

    sentence: str
    root: str
    gold: frozenset[Dependency]


@experiment(quick={"n": 1000, "k": 50, "fillers": 1, "patterns": 3, "stream": 4, "seeds": 2})
def parsing(
    run: Run,
    *,
    n: int = 10_000,
    k: int = 100,
    p: float = 0.1,
    fillers: int = 3,
    patterns: int = 0,
    stream: int = 60,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Parse ``fillers`` sentences of each pattern with new brains, and ``stream`` English ones with one brain.

    Parameters
    ----------
    n, k
        Neurons and winners of an area.
    p
        Connection probability of all fibers.
    fillers
        Sentences made from each English pattern, with and without clauses; each Russian order has one sentence.
    patterns
        How many patterns of each kind are used: 0 for all.
    stream
        Sentences that one brain parses, one after the other.
    seeds
        Number of repetitions, each with other words and other brains.
    """
    sizes = {"n": n, "k": k, "p": p}
    calls: dict[str, Call] = {
        f"{name}-{protocol}": Call(by_pattern, (name, protocol, sizes, fillers, patterns))
        for name in SETS
        for protocol in PROTOCOLS
        if (name, protocol) != ("russian", "beta_zero")
    }
    calls |= {name: Call(in_one_brain, (name == "forgetting", sizes, stream)) for name in ("forgetting", "keeping")}
    seen = over_seeds(run, calls, seeds)
    shares = {name: [fmean(part["exact"].values()) for part in parts] for name, parts in seen.items()}
    _tables(run, seen, shares)
    run.picture("parsing.png", lambda: _draw(seen, shares))
    words = [part for name, parts in seen.items() if name.endswith("-alone") for part in parts]
    return {
        "exact": {name: fmean(values) for name, values in shares.items()},
        "intervals_95": {name: interval_95(values, bounded=True) for name, values in shares.items()},
        "verbs_share": {
            name: fmean(part["verbs_share"] for part in seen[f"clauses-{name}"]) for name in ("alone", "published")
        },
        "word_seconds": fmean(part["word_seconds"] for part in words),
        "brain_seconds": fmean(part["brain_seconds"] for part in words),
        "chance": {"exact": 0.0},
        "criteria": CRITERIA,
        "met": _met(shares),
        "by_seed": shares,
    }


def by_pattern(
    part: Part, name: str, protocol: str, sizes: Mapping[str, Any], fillers: int, patterns: int, seed: int
) -> dict[str, Any]:
    """Parse sentences of a kind, each with a new brain; return the share of each pattern that is right."""
    grammar, rng = _grammar(name), np.random.default_rng([seed, 1])
    chosen = list(SETS[name].items())[: patterns or None]
    exact, seconds, built, words, shared = {}, 0.0, 0.0, 0, []
    for pattern, gold in chosen:
        right = []
        for _ in range(1 if name == "russian" else fillers):
            made, start = _made(grammar, pattern, gold, rng), time.process_time()
            brain = int(rng.integers(2**32))
            with Parser(grammar, **sizes, **PROTOCOLS[protocol], seed=brain, **part.simulator) as parser:
                begun = time.process_time()
                parsed = _parsed(parser, made)
                seconds += time.process_time() - begun
            built, words = built + begun - start, words + len(made.sentence.split())
            right.append(_is_right(parsed, made))
            shared += _verbs_share(parsed)
        exact[pattern] = fmean(right)
    count = len(chosen) * (1 if name == "russian" else fillers)
    return {
        "exact": exact,
        "word_seconds": seconds / words,
        "brain_seconds": built / count,
        "verbs_share": fmean(shared) if shared else 0.0,
    }


def in_one_brain(part: Part, forget: bool, sizes: Mapping[str, Any], stream: int, seed: int) -> dict[str, Any]:
    """Parse English sentences of all patterns with one brain; return the share of each ten that is right."""
    grammar, rng = english(), np.random.default_rng([seed, 2])
    kinds, right = list((ENGLISH | CLAUSES).items()), []
    with Parser(grammar, **sizes, forget=forget, seed=seed, **part.simulator) as parser:
        for _ in range(stream):
            made = _made(grammar, *kinds[rng.integers(len(kinds))], rng)
            right.append(_is_right(_parsed(parser, made), made))
    return {"exact": {str(at): fmean(right[at : at + 10]) for at in range(0, stream, 10)}}


def _grammar(name: str) -> Grammar:
    return russian() if name == "russian" else english()


def _made(grammar: Grammar, pattern: str, gold: str, rng: np.random.Generator) -> Made:
    """Return a sentence of a pattern, with words drawn from the grammar, and its dependencies."""
    words: list[str] = []
    for name in pattern.split():
        kind = CLASSES.get(name, name)
        known = [word for word, its in grammar.words.items() if its == kind and (kind in REPEATED or word not in words)]
        words.append(str(rng.choice(known)) if known else name)
    links = [each.split() for each in gold.split(", ")]
    pairs = frozenset(Dependency(words[int(head)], label, words[int(word)]) for head, label, word in links)
    return Made(" ".join(words), words[int(links[0][0])], pairs)


def _parsed(parser: Parser, made: Made) -> Parsed | None:
    try:
        return parser.parse(made.sentence)
    except DeclarationError:  # the brain found no area for a word
        return None


def _is_right(parsed: Parsed | None, made: Made) -> bool:
    return parsed is not None and parsed.root == made.root and frozenset(parsed.dependencies) == made.gold


def _verbs_share(parsed: Parsed | None) -> list[float]:
    """Return the overlaps of the assembly of the first verb of a sentence with those of the other verbs."""
    verbs = [each for each in parsed.assemblies if each.area == "VERB"] if parsed is not None else []
    return [verbs[0].overlap(other) for other in verbs[1:]]


def _met(shares: Mapping[str, Sequence[float]]) -> dict[str, bool]:
    mean = {name: fmean(values) for name, values in shares.items()}
    return {
        **{name: mean[f"{name}-alone"] >= CRITERIA[name] for name in SETS},
        "forgetting": mean["forgetting"] >= CRITERIA["forgetting"],
        **{f"beta_zero, {name}": mean[f"{name}-beta_zero"] <= CRITERIA["beta_zero"] for name in ("english", "clauses")},
        "keeping": mean["keeping"] <= CRITERIA["keeping"],
    }


def _tables(run: Run, seen: Mapping[str, Sequence[dict[str, Any]]], shares: Mapping[str, Sequence[float]]) -> None:
    rows = [
        [
            name,
            *(
                measured(shares[f"{name}-{each}"], bounded=True) if f"{name}-{each}" in shares else None
                for each in PROTOCOLS
            ),
        ]
        for name in SETS
    ]
    write_table(run, "parsing.md", "Sentences whose dependencies are exactly right", ["", *TITLES.values()], rows)
    rows = [
        [
            f"`{pattern}`",
            *(f"{fmean(part['exact'][pattern] for part in seen[f'{name}-{each}']):.2f}" for each in PROTOCOLS),
        ]
        for name in ("english", "clauses")
        for pattern in seen[f"{name}-alone"][0]["exact"]
    ]
    write_table(run, "by_pattern.md", "Right sentences of each pattern", ["", *TITLES.values()], rows)


def _draw(seen: Mapping[str, Sequence[dict[str, Any]]], shares: Mapping[str, Sequence[float]]) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    bars, stream = figure.subplots(1, 2)
    for at, protocol in enumerate(PROTOCOLS):
        for place, name in enumerate(SETS):
            values = shares.get(f"{name}-{protocol}")
            if values is not None:
                bars.bar(place + 0.27 * (at - 1), fmean(values), 0.25, color=f"C{at}", alpha=0.6)
                bars.plot([place + 0.27 * (at - 1)] * len(values), values, "k.", ms=4)
        bars.bar(0, 0, color=f"C{at}", alpha=0.6, label=TITLES[protocol])
    bars.set_xticks(range(len(SETS)), SETS)
    bars.set(ylabel="share of sentences exactly right", ylim=(0, 1.35), title="a new brain for each sentence")
    bars.legend(fontsize="small", loc="upper right")
    for at, name in enumerate(("forgetting", "keeping")):
        values = [list(part["exact"].values()) for part in seen[name]]
        places = [int(each) + 5 for each in seen[name][0]["exact"]]
        stream.plot(places, np.transpose(values), color=f"C{at}", alpha=0.25, lw=1)
        stream.plot(places, np.mean(values, axis=0), "o-", color=f"C{at}", label=f"{name} earlier links")
    stream.set(xlabel="sentences parsed so far", ylabel="share exactly right, of ten sentences")
    stream.set(ylim=(-0.03, 1.03), title="one brain parses all sentences")
    stream.legend(fontsize="small")
    return figure
