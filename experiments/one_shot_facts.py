"""Give a language model a hippocampus: made-up facts, each presented once, are recalled, and other text stays the same.

A small transformer learns a text, then a `Hippocampal` memory is given sentences such as "The colour of Zobatun is
crimson.", each once.  Each made-up name has two facts that are presented and two that are withheld; other names are
never presented.  Two keys are compared: the *surface* (hidden state and a trace of the tokens before) and the *content*
(name, relation and last token as assemblies).  The threshold of familiarity is calibrated on names and relations that
are withheld, and on text that the model was trained on; all that is reported is measured with others.  Facts are asked
in the wording in which they were presented and in three others.  Then the values of some facts change, and are taught
in three presentations.

Baselines: the same model fine-tuned on the facts in one pass, with and without replay of the text, and an exact cache
of nearest neighbours (kNN) that may use as many bytes as the learned synapses, 12 each.  Controls: the model alone,
``beta = 0``, shuffled facts (each name gets the values of another), and each half of the surface key by itself.

Success is stated in advance, in the mean over seeds, for both keys and all loads: recall in the same wording is at
least .98, where the whole answer counts; the logits of other text do not change by a bit, since the memory never
answers in it; the familiarity of known facts has an AUROC of at least .99 against withheld relations and new names.
After three presentations of a new value at most .05 of the old values are recalled, and .95 of the new ones; at most
.01 of other facts are lost.  The content key recalls .95 of the facts in other wordings, and answers at most .02 of the
unknown ones.  Controls: ``beta = 0`` and the model alone recall at most .05, with shuffled facts at most .2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Brain, Fiber, Hebbian, experiment
from brainsim.networks.memory import ContentKey, Hippocampal, SurfaceKey, of_torch
from brainsim.networks.memory.made_up import WORDINGS, Fact, Facts, made_up_facts, made_up_text, words_of
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

VOCABULARY, WIDTH, LENGTH = 1024, 96, 128
OTHER = tuple(WORDINGS)[1:]  # wordings in which no fact was presented
LEVELS = tuple(round(0.05 * step, 2) for step in range(21))
CORRECTED, PRESENTATIONS = 20, 3
CALIBRATED = 100  # withheld names, and as many relations, that set the threshold
CRITERIA = {
    **{"recall": 0.98, "roc_auc": 0.99, "old_value": 0.05, "new_value": 0.95, "others_lost": 0.01},
    **{"other_wordings": 0.95, "unknown_answered": 0.02, "nothing": 0.05, "shuffled": 0.2},
}
ARMS = {
    "surface": "surface key",
    "content": "content key",
    "hidden": "hidden state alone",
    "trace": "trace alone",
    "knn": "exact kNN, equal bytes",
    "fine_tuned": "fine-tuned, one pass",
    "replay": "fine-tuned with replay",
    "alone": "control: model alone",
    "beta_zero": "control: beta = 0",
    "shuffled": "control: shuffled facts",
}
CONTROLS = ("hidden", "trace", "beta_zero", "shuffled")


@dataclass(frozen=True)
class Sizes:
    """Sizes of a part: see `one_shot_facts`."""

    load: int
    controls: int
    n: int
    steps: int
    probes: int
    tokens: int


@experiment(quick={"loads": "20", "n": 20_000, "steps": 20, "probes": 5, "tokens": 128, "seeds": 2})
def one_shot_facts(
    run: Run,
    *,
    text: str = "",
    loads: str = "200,2000",
    controls: int = 200,
    n: int = 100_000,
    steps: int = 700,
    probes: int = 60,
    tokens: int = 2000,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Present facts once, and ask for some of them.

    Parameters
    ----------
    text
        File of the text that the model learns, of which the last twentieth is held out; by default made-up text.
    loads
        How many facts are presented, with commas between the numbers; even ones.
    controls
        Largest load at which controls that need a memory of their own, and the halves of the surface key, are run.
    n
        Neurons of the code area; 50 win.
    steps
        Steps of the training of the model, 8 sequences of 128 tokens each.
    probes
        Facts of each kind that are asked for.
    tokens
        Of held-out text, in which the perplexity is measured.
    seeds
        Models, brains and sets of facts, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    every = [int(each) for each in loads.split(",")]
    calls = {f"facts={load}": Call(remembered, (text, (load, controls, n, steps, probes, tokens))) for load in every}
    parts = over_seeds(run, calls, seeds, "models")
    seen = {load: _by_arm(parts[f"facts={load}"]) for load in every}
    for load, arms in seen.items():
        _tables(run, load, arms)
    run.picture("one_shot_facts.png", lambda: _draw(seen))
    means = {f"facts={load}": {arm: _means(each) for arm, each in arms.items()} for load, arms in seen.items()}
    return {
        "arms": means,
        "criteria": CRITERIA,
        "met": {load: _met(arms) for load, arms in means.items()},
        "chance": {"value": 0.1},
        "intervals_95": {
            f"facts={load}": {
                arm: {name: interval_95(scores(each, name), bounded=name != "perplexity") for name in _numbers(each)}
                for arm, each in arms.items()
            }
            for load, arms in seen.items()
        },
        "by_seed": {
            f"facts={load}/arm={arm}": by_seed(each) for load, arms in seen.items() for arm, each in arms.items()
        },
    }


def _by_arm(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {arm: [part[arm] for part in parts] for arm in ARMS if arm in parts[0]}


class World:
    """A trained model, its tokenizer, and text: of training for the background, and held out."""

    def __init__(self, text: str, steps: int, tokens: int, seed: int) -> None:
        import torch

        from brainsim.networks.bpe import BpeTokenizer
        from brainsim.networks.recipe import Recipe
        from brainsim.networks.text import read_text
        from brainsim.networks.training import Corpus, Trainer
        from brainsim.networks.transformer import Transformer, TransformerConfig

        torch.set_num_threads(1)
        whole = read_text(text) if text else made_up_text(20_000, seed)
        cut = int(0.95 * len(whole))
        self.words = words_of(whole[:cut])
        self.tokenizer = BpeTokenizer.learn(whole[: min(cut, 400_000)], VOCABULARY)
        self.background = np.array(self.tokenizer.encode(whole[:cut]))
        self.held_out = self.tokenizer.encode(whole[cut:])[:tokens]
        vocabulary = self.tokenizer.vocabulary
        sizes = TransformerConfig(vocabulary, WIDTH, layers=2, heads=4, kv_heads=2, hidden=256)
        self.model = Transformer(sizes, seed)
        recipe = Recipe(steps=steps, batch=8, length=LENGTH, rate=4e-3, seed=seed, precision="float32")
        Trainer(self.model, recipe, Corpus(self.background).draw).run()
        self.model.eval()

    def pieces(self, most: int) -> list[npt.NDArray[np.int64]]:
        """Return pieces of the background."""
        return [self.background[at : at + LENGTH] for at in range(0, len(self.background) - LENGTH, LENGTH)][:most]

    def answer(self, fact: Fact) -> list[int]:
        """Return the tokens of a value, with the blank before it."""
        return self.tokenizer.encode(f" {fact.value}")


Familiar = Callable[[str], float]
Answers = Callable[[str, int], list[int]]


def remembered(part: Part, text: str, sizes: Sequence[int], seed: int) -> dict[str, Any]:
    """Train a model, present facts to each arm, and return what each recalls."""
    given = Sizes(*sizes)
    world = World(text, given.steps, given.tokens, seed)
    facts = made_up_facts(given.load, seed, new=CALIBRATED + given.probes, avoid=world.words)
    arms = ("surface", "content", *(CONTROLS if given.load <= given.controls else ()))
    found = {arm: _memory(part, arm, world, facts, given, seed) for arm in arms}
    found["knn"] = _cached(world, facts, given, found["surface"]["bytes"])
    found |= {arm: _tuned(world, facts, given, seed, replay=arm == "replay") for arm in ("fine_tuned", "replay")}
    found["alone"] = _model_alone(world, facts, given)
    return found


def _memory(part: Part, arm: str, world: World, facts: Facts, sizes: Sizes, seed: int) -> dict[str, Any]:
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
        unknown = [encode(fact.prompt()) for fact in _for_calibration(facts, sizes)]
        memory.calibrate(unknown, world.pieces(sizes.tokens // LENGTH))

        def familiar(prompt: str) -> float:
            return memory.recall(encode(prompt)).familiarity

        def answers(prompt: str, new: int) -> list[int]:
            return memory.generate(encode(prompt), new)

        seen = {
            "threshold": memory.threshold,
            **_asked(world, facts, sizes, answers, familiar, memory.threshold),
            **_text(world, memory),
            "bytes": 12.0 * len(memory.sim.connectome(_learning(memory)).learned()[0]),
        }
        return seen | (_corrected(world, facts, sizes, memory) if arm in ("surface", "content") else {})


def _learning(memory: Hippocampal) -> Fiber:
    return next(fiber for fiber in memory.sim.brain.fibers if fiber.name == "Facts.Code->Facts.Token")


def _shuffled(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts whose values are those of another name with the same relation: the next but one that differs."""
    found = []
    for at, fact in enumerate(facts):
        others = [each.value for each in (*facts[at + 1 :], *facts[:at]) if each.relation == fact.relation]
        found.append(Fact(fact.name, fact.relation, next((v for v in others if v != fact.value), fact.value)))
    return found


def _for_calibration(facts: Facts, sizes: Sizes) -> list[Fact]:
    """Return new names and withheld relations, none of which is asked for later."""
    asked = set(_some(facts.withheld, sizes.probes))
    return [*facts.new[:CALIBRATED], *[fact for fact in facts.withheld if fact not in asked][:CALIBRATED]]


def _asked(
    world: World, facts: Facts, sizes: Sizes, answers: Answers, familiar: Familiar, threshold: float
) -> dict[str, Any]:
    """Ask for facts in all wordings: which are recalled, and which unknown ones are answered."""
    known, withheld = _some(facts.stored, sizes.probes), _some(facts.withheld, sizes.probes)
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


def _some(facts: Sequence[Fact], count: int) -> list[Fact]:
    """Return facts from the whole sequence, in equal steps."""
    return [facts[at] for at in np.linspace(0, len(facts) - 1, min(count, len(facts))).astype(int)]


def _roc_auc(known: npt.NDArray[Any], unknown: npt.NDArray[Any]) -> float:
    """Return how often a known fact is more familiar than an unknown one; ties count half."""
    return float(np.mean((known[:, None] > unknown) + 0.5 * (known[:, None] == unknown)))


def _text(world: World, memory: Hippocampal) -> dict[str, Any]:
    """Read held-out text with and without the memory."""
    own, mixed, answered, same = [], [], 0, True
    model = of_torch(world.model)
    for piece in _held_out(world):
        found, logits = memory(piece[:-1]), model(piece[:-1])[0][0].numpy()
        own.append(_losses(logits, piece))
        mixed.append(_losses(found.logits, piece))
        answered += int(found.answered.sum())
        same &= found.logits[~found.answered].tobytes() == logits[~found.answered].tobytes()
    change = math.exp(np.concatenate(mixed).mean()) - math.exp(np.concatenate(own).mean())
    return {
        "perplexity": math.exp(np.concatenate(mixed).mean()),
        "perplexity_change": change,
        "text_answered": float(answered),
        "text_unchanged": float(same and not answered),
    }


def _held_out(world: World) -> list[npt.NDArray[np.int64]]:
    text = np.array(world.held_out)
    return [text[at : at + LENGTH + 1] for at in range(0, len(text) - 1, LENGTH)]


def _losses(logits: npt.NDArray[Any], piece: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the loss of each next token, in nats."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return np.log(np.exp(wide).sum(axis=1)) - wide[np.arange(len(wide)), piece[1:]]


def _corrected(world: World, facts: Facts, sizes: Sizes, memory: Hippocampal) -> dict[str, Any]:
    """Change the values of some facts, and teach each in three presentations."""
    rng = np.random.default_rng(sizes.load)
    changed = _some(facts.stored[::2], min(CORRECTED, sizes.load // 4))  # one fact of a name; the other is a neighbour
    names = {fact.name for fact in changed}
    neighbours = [fact for fact in facts.stored[1::2] if fact.name in names]
    others = _some([fact for fact in facts.stored if fact.name not in names], sizes.probes)
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


class Cache:
    """The last contexts, as many as fit into some bytes, and what followed them: exact nearest neighbours."""

    def __init__(self, world: World, bytes_allowed: float) -> None:
        self._model = of_torch(world.model)
        hidden = np.concatenate([self._hidden(piece) for piece in world.pieces(400)])
        self._mean, (values, axes) = (
            hidden.mean(axis=0),
            np.linalg.eigh(np.cov(hidden, rowvar=False) + 1e-6 * np.eye(WIDTH)),
        )
        self._whitener = axes / np.sqrt(values)
        self._codes = np.random.default_rng(7).standard_normal((world.tokenizer.vocabulary, WIDTH))
        self._most = max(1, int(bytes_allowed / (2 * WIDTH * 4 + 8)))
        self._keys: list[npt.NDArray[np.float32]] = []
        self._values: list[int] = []
        self._array = np.zeros((0, 2 * WIDTH), np.float32)

    def _hidden(self, tokens: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return self._model(tokens)[1][0].numpy()

    def _key(self, tokens: npt.NDArray[np.int64], at: int, hidden: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        whitened = (hidden[at] - self._mean) @ self._whitener
        trace = sum(0.85**lag * self._codes[token] for lag, token in enumerate(tokens[at::-1]))
        halves = [each / np.linalg.norm(each) / math.sqrt(2) for each in (whitened, np.asarray(trace))]
        return np.concatenate(halves).astype(np.float32)

    def store(self, tokens: Sequence[int]) -> None:
        """Keep the context of each token from the fourth on."""
        array = np.array(tokens)
        hidden = self._hidden(array)
        for at in range(2, len(array) - 1):
            self._keys.append(self._key(array, at, hidden))
            self._values.append(int(array[at + 1]))
        self._keys, self._values = self._keys[-self._most :], self._values[-self._most :]

    def recall(self, tokens: Sequence[int]) -> tuple[int, float]:
        """Return what followed the nearest context, and its cosine."""
        if len(self._array) != len(self._keys):
            self._array = np.array(self._keys)
        array = np.array(tokens)
        near = self._array @ self._key(array, len(array) - 1, self._hidden(array))
        return self._values[int(near.argmax())], float(near.max())


def _cached(world: World, facts: Facts, sizes: Sizes, bytes_allowed: float) -> dict[str, Any]:
    cache, encode = Cache(world, bytes_allowed), world.tokenizer.encode
    for fact in facts.stored:
        cache.store(encode(fact.sentence))
    highest = max(cache.recall(encode(fact.prompt()))[1] for fact in _for_calibration(facts, sizes))
    threshold = 0.5 * (1.0 + highest)
    model = _greedy(world.model)

    def answers(prompt: str, new: int) -> list[int]:
        so_far = encode(prompt)
        for _ in range(new):
            token, near = cache.recall(so_far)
            so_far = [*so_far, token if near >= threshold else model(so_far)]
        return so_far[-new:]

    return {
        "threshold": threshold,
        **_asked(world, facts, sizes, answers, lambda prompt: cache.recall(encode(prompt))[1], threshold),
    }


def _greedy(model: Any) -> Callable[[Sequence[int]], int]:
    run = of_torch(model)
    return lambda tokens: int(run(np.array(tokens))[0][0, -1].argmax())


def _tuned(world: World, facts: Facts, sizes: Sizes, seed: int, *, replay: bool) -> dict[str, Any]:
    """Train a copy of the model on each fact once, in batches of 8; with replay, each with a batch of the text."""
    import copy

    import torch
    from torch.nn import functional

    from brainsim.networks.training import Corpus, next_token_loss

    model, corpus = copy.deepcopy(world.model), Corpus(world.background)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.0)
    sentences = [torch.tensor(world.tokenizer.encode(fact.sentence)) for fact in facts.stored]
    for at in range(0, len(sentences), 8):
        optimizer.zero_grad()
        losses = [functional.cross_entropy(model(each[None, :-1])[0], each[1:]) for each in sentences[at : at + 8]]
        loss = torch.stack(losses).mean()
        if replay:
            loss = loss + next_token_loss(model, corpus.draw(generator, 8, LENGTH))
        loss.backward()
        optimizer.step()
    return _judged(world, facts, sizes, model.eval())


def _model_alone(world: World, facts: Facts, sizes: Sizes) -> dict[str, Any]:
    return _judged(world, facts, sizes, world.model)


def _judged(world: World, facts: Facts, sizes: Sizes, model: Any) -> dict[str, Any]:
    """Ask a model without a memory."""
    step = _greedy(model)

    def answers(prompt: str, new: int) -> list[int]:
        so_far = world.tokenizer.encode(prompt)
        for _ in range(new):
            so_far = [*so_far, step(so_far)]
        return so_far[-new:]

    known = _some(facts.stored, sizes.probes)
    seen = {
        f"recall_{wording}": fmean(answers(f.prompt(wording), len(world.answer(f))) == world.answer(f) for f in known)
        for wording in WORDINGS
    }
    run = of_torch(model)
    losses = np.concatenate([_losses(run(piece[:-1])[0][0].numpy(), piece) for piece in _held_out(world)])
    own = of_torch(world.model)
    before = np.concatenate([_losses(own(piece[:-1])[0][0].numpy(), piece) for piece in _held_out(world)])
    perplexity = math.exp(losses.mean())
    return {
        **seen,
        "recall_other": fmean(seen[f"recall_{each}"] for each in OTHER),
        "perplexity": perplexity,
        "perplexity_change": perplexity - math.exp(before.mean()),
    }


def _numbers(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    return [name for name, value in parts[0].items() if isinstance(value, float)]


def _means(parts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {name: fmean(scores(parts, name)) for name in _numbers(parts)}


def _met(arms: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return which of the criteria one load meets."""
    keys = {
        arm: {
            "recall": arms[arm]["recall_same"] >= CRITERIA["recall"],
            "text_unchanged": arms[arm]["text_unchanged"] == 1.0,
            "roc_auc": min(arms[arm][f"roc_auc_{kind}_same"] for kind in ("withheld", "new")) >= CRITERIA["roc_auc"],
            "old_value": arms[arm]["old_value"] <= CRITERIA["old_value"],
            "new_value": arms[arm]["new_value"] >= CRITERIA["new_value"],
            "others_lost": max(arms[arm]["others_lost"], arms[arm]["neighbours_lost"]) <= CRITERIA["others_lost"],
        }
        for arm in ("surface", "content")
    }
    return {
        **keys,
        "other_wordings": arms["content"]["recall_other"] >= CRITERIA["other_wordings"],
        "unknown_answered": arms["content"]["unknown_answered_other"] <= CRITERIA["unknown_answered"],
        "nothing": max(arms[arm]["recall_same"] for arm in ("beta_zero", "alone") if arm in arms)
        <= CRITERIA["nothing"],
        **({"shuffled": arms["shuffled"]["recall_same"] <= CRITERIA["shuffled"]} if "shuffled" in arms else {}),
    }


COLUMNS = {
    "recall_same": "recall, same wording",
    "recall_other": "recall, other wordings",
    "unknown_answered_same": "unknown answered, same wording",
    "unknown_answered_other": "unknown answered, other wordings",
    "roc_auc_withheld_same": "AUROC, withheld relation",
    "roc_auc_new_same": "AUROC, new name",
    "perplexity": "perplexity of text",
    "perplexity_change": "its change",
    "text_answered": "answers in text",
}
CORRECTION = {
    "old_value": "old value recalled",
    "new_value": "new value recalled",
    "neighbours_lost": "lost: the other fact of the name",
    "others_lost": "lost: other facts",
}


def _tables(run: Run, load: int, arms: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    rows = [[ARMS[arm], *(_cell(each, name) for name in COLUMNS)] for arm, each in arms.items()]
    write_table(run, f"facts_{load}.md", f"{load} facts, each presented once", ["", *COLUMNS.values()], rows)
    corrected = [[ARMS[arm], *(_cell(arms[arm], name) for name in CORRECTION)] for arm in ("surface", "content")]
    title = f"After {PRESENTATIONS} presentations of a new value, {load} facts"
    write_table(run, f"correction_{load}.md", title, ["", *CORRECTION.values()], corrected)


def _cell(parts: Sequence[Mapping[str, Any]], name: str) -> str | None:
    if name not in parts[0]:
        return None
    digits = 3 if name.startswith("perplexity") else 2
    return measured(scores(parts, name), digits, bounded=not name.startswith(("perplexity", "text")))


def _draw(seen: Mapping[int, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Figure:
    figure = Figure(figsize=(11, 3.4 * len(seen)), layout="constrained")
    for axes, (load, arms) in zip(figure.subplots(len(seen), 3, squeeze=False), seen.items(), strict=True):
        shown = list(arms)
        for at, name in enumerate(("recall_same", "recall_other")):
            values = [[part[name] for part in arms[arm]] for arm in shown]
            axes[0].barh(
                np.arange(len(shown)) + 0.2 - 0.4 * at, [fmean(each) for each in values], 0.4, label=COLUMNS[name]
            )
            for row, each in enumerate(values):
                axes[0].plot(each, [row + 0.2 - 0.4 * at] * len(each), "k.", ms=3)
        axes[0].set_yticks(range(len(shown)), [ARMS[arm] for arm in shown], fontsize="x-small")
        axes[0].set(title=f"{load} facts", xlim=(0, 1.03))
        axes[0].invert_yaxis()
        axes[0].legend(fontsize="x-small")
        for arm in ("surface", "content", "knn"):
            curves = [part["curve"] for part in arms[arm]]
            recalled, answered = (np.mean([c[name] for c in curves], axis=0) for name in ("recalled", "answered"))
            axes[1].plot(answered, recalled, "o-", ms=3, label=ARMS[arm])
        axes[1].set(
            xlabel="unknown facts answered", ylabel="known facts answered", title="other wordings, all thresholds"
        )
        axes[1].legend(fontsize="x-small")
        for at, arm in enumerate(("surface", "content")):
            for name, style in (("new", "-"), ("old", "--")):
                points = [[0.0 if name == "new" else 1.0, *(p[name] for p in part["correction"])] for part in arms[arm]]
                axes[2].plot(np.mean(points, axis=0), style, color=f"C{at}", label=f"{name} value, {ARMS[arm]}")
        axes[2].set(xlabel="presentations of the new value", ylabel="recalled", xticks=range(PRESENTATIONS + 1))
        axes[2].legend(fontsize="x-small")
    return figure
