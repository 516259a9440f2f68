"""Ask what coordinates do for a language model whose weights they modulate: its loss, routing, and paths between them.

Claims of the source document: a point ``theta`` that is predicted from the text changes the weights, and with them the
behaviour; texts are routed by their coordinates; between two coordinates the behaviour changes smoothly; a curriculum
of three phases organises the coordinates.  Small models of characters learn three registers of text at once:

- *loss*: modulated weights; the same bank at one constant, learned coordinate; no modulation at equal parameters (wider
  feed-forward layers); that model for ``longer`` times the steps, as many as take the same seconds; and modulated
  weights trained by the curriculum.  The trained model is evaluated at its own coordinates, at those of another
  sequence (shuffled), at their mean, and without its bank (identity).
- *routing*: which register a held-out sentence is of, by the nearest mean of its class: of coordinates (untrained,
  trained as a language model, trained by a supervised contrastive loss), and of token histograms; a naive Bayes
  classifier of the same tokens; labels shuffled in training.  Once as written, once in lower-case letters alone.
- *interpolation*: the divergence of the next token from either end at points between the mean coordinates of two
  registers.

Success is stated in advance, in the mean over seeds: modulated weights are better than the model of equal parameters at
equal steps by .02 nats, and no worse at equal seconds; the shuffled coordinate costs .02 nats; the constant coordinate
is worse by .02; coordinates of the trained language model route better than histograms; contrastive ones better than
naive Bayes; on the way from one register to the other the divergences are monotone in every seed; the curriculum costs
no more than .01 nats.
"""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import experiment
from brainsim.errors import ExperimentError
from brainsim.networks.needs import require_torch
from brainsim.studies.comparison import measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Registers = dict[str, dict[str, list[str]]]  # split, register, sentences

LENGTH, BATCH, RATE, DIM, HIDDEN, COORDINATES = 128, 8, 4e-3, 64, 172, 64
ARMS = {
    "plain": "no modulation, equal parameters",
    "longer": "no modulation, equal parameters, equal seconds",
    "constant": "one constant, learned coordinate",
    "modulated": "modulated by the predicted coordinate",
    "curriculum": "modulated, three-phase curriculum",
}
ABLATIONS = {
    "own": "its own coordinates",
    "shuffled": "those of another sequence",
    "mean": "their mean",
    "identity": "none: bank switched off",
}
ROUTES = {
    "untrained": "coordinates, untrained",
    "language_model": "coordinates of the language model",
    "contrastive": "coordinates, contrastive loss",
    "shuffled_labels": "control: contrastive loss, labels shuffled",
    "histogram": "token histograms",
    "naive_bayes": "naive Bayes of the tokens",
}
CRITERIA = {
    "equal_steps": 0.02,
    "equal_seconds": 0.0,
    "shuffled_costs": 0.02,
    "constant_costs": 0.02,
    "curriculum_costs": 0.01,
}
SURFACES = {"written": "as written", "letters": "lower-case letters alone"}
POINTS = 7


@experiment(quick={"steps": 30, "contrastive_steps": 30, "sentences": 60, "seeds": 2})
def geometric_lm(
    run: Run,
    *,
    texts: Path | None = None,
    steps: int = 600,
    longer: float = 1.35,
    contrastive_steps: int = 300,
    sentences: int = 500,
    seeds: int = 5,
) -> Mapping[str, Any]:
    """Learn three registers of text with and without modulated weights, and look at the coordinates.

    Parameters
    ----------
    texts
        TSV file (or .tsv.gz) with the columns genre, split (train or test) and text; empty: registers that are made up
        of a few words.
    steps
        Steps of training of each model, of 8 sequences of 128 characters.
    longer
        How many times as many steps the unmodulated model does in the same time.
    contrastive_steps
        Steps of the contrastive training.
    sentences
        Held-out sentences of each register that are routed, at most.
    seeds
        Models of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    require_torch()
    source = str(texts) if texts else None
    calls: dict[str, Call] = {arm: Call(trained, (arm, source, steps, longer, sentences)) for arm in ARMS}
    for surface in SURFACES:
        calls[f"routing-{surface}"] = Call(routed, (source, surface, contrastive_steps, sentences))
    found = over_seeds(run, calls, seeds, unit="models")
    _check(found)
    _tables(run, found)
    run.picture("geometric_lm.png", lambda: _draw(found))
    return _metrics(found, source)


def read_registers(source: str | None, sentences: int) -> Registers:
    """Return the sentences of each register for training and for tests."""
    rows = _made_up() if source is None else _rows(Path(source))
    found: Registers = {"train": {}, "test": {}}
    for row in rows:
        found[row["split"]].setdefault(row["genre"], []).append(row["text"])
    if len(found["train"]) < 2 or found["train"].keys() != found["test"].keys():
        raise ExperimentError("--set texts: must have two genres at least, with train and test sentences of each")
    found["test"] = {genre: texts[:sentences] for genre, texts in found["test"].items()}
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise ExperimentError(f"--set texts={path}: no such file; give a TSV with the columns genre, split, text")
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    if (
        not rows
        or not {"genre", "split", "text"} <= rows[0].keys()
        or {row["split"] for row in rows} != {"train", "test"}
    ):
        raise ExperimentError(f"--set texts={path}: must have the columns genre, split (train or test) and text")
    return rows


def _made_up() -> list[dict[str, str]]:
    """Return sentences of three registers that share most of their words."""
    words = {
        "tale": ("and then|but soon|at last", "king|child|wolf|queen", "saw|found|took", "gold|tree|child|bread"),
        "law": ("no|every|any", "owner|child|guard|king", "shall hold|must keep|may sell", "gold|land|bread|house"),
        "note": ("see|buy|call", "bread|house|guard|tree", "today|again|first", "no gold|one tree|two"),
    }
    rng, rows = np.random.default_rng(7), []
    for genre, slots in words.items():
        for number in range(600):
            text = " ".join(str(rng.choice(slot.split("|"))) for slot in slots for _ in range(1 + (rng.random() < 0.2)))
            rows.append({"genre": genre, "split": "test" if number < 120 else "train", "text": f"{text}."})
    return rows


def _letters(text: str) -> str:
    """Return a text in lower-case letters alone, so that marks and capitals tell nothing."""
    return " ".join("".join(each if each.isalpha() else " " for each in text.lower()).split())


def _corpus(registers: Mapping[str, Sequence[str]], seed: int) -> str:
    """Return the sentences of all registers in random order, a line each."""
    lines = [text for texts in registers.values() for text in texts]
    return "\n".join(lines[at] for at in np.random.default_rng([seed, 5]).permutation(len(lines))) + "\n"


def _blocks(registers: Mapping[str, Sequence[str]], tokenizer: Any) -> Any:
    """Return held-out sequences ``(N, LENGTH + 1)``, each of one register."""
    import torch

    rows = []
    for texts in registers.values():
        tokens = tokenizer.encode("\n".join(texts) + "\n")
        rows += [tokens[at : at + LENGTH + 1] for at in range(0, len(tokens) - LENGTH, LENGTH)]
    return torch.tensor(rows)


def trained(
    _: Part, arm: str, source: str | None, steps: int, longer: float, sentences: int, seed: int
) -> dict[str, Any]:
    """Train one model, and return its loss on held-out text, and what its coordinates do."""
    import torch

    from brainsim.networks.curriculum import Curriculum
    from brainsim.networks.geometric import coordinate_groups
    from brainsim.networks.minimal_pairs import made
    from brainsim.networks.recipe import Recipe
    from brainsim.networks.text import CharTokenizer
    from brainsim.networks.training import Corpus, Trainer

    torch.set_num_threads(1)
    registers, pairs = read_registers(source, sentences), made()
    alphabet = {each for split in registers.values() for texts in split.values() for text in texts for each in text}
    alphabet |= {"\n", *(each for pair in pairs for each in pair.first + pair.second)}
    tokenizer = CharTokenizer("".join(sorted(alphabet)))
    model = _model(arm, tokenizer.vocabulary, seed)
    recipe = Recipe(round(steps * longer) if arm == "longer" else steps, BATCH, LENGTH, RATE, seed=seed)
    draw = Corpus(tokenizer.encode(_corpus(registers["train"], seed))).draw
    backward = Curriculum(tokenizer, pairs) if arm == "curriculum" else None
    trainer = Trainer(model, recipe, draw, groups=coordinate_groups, backward=backward)
    began = time.process_time()
    trainer.run()
    seconds = time.process_time() - began
    blocks = _blocks(registers["test"], tokenizer)
    found = {"parameters": _size(model), "loss": _loss(model, blocks), "step_seconds": seconds / recipe.steps}
    if arm not in ("modulated", "curriculum"):
        return found
    return {
        **found,
        "ablations": _ablated(model, blocks),
        "routing": _by_coordinates(model, registers, tokenizer),
        "interpolation": _interpolated(model, registers, tokenizer),
    }


def _model(arm: str, vocabulary: int, seed: int) -> Any:
    """Return a model; one without modulation is so wide that it has as many parameters as the modulated one."""
    from brainsim.networks.geometric import Geometric, GeometricConfig
    from brainsim.networks.transformer import Transformer, TransformerConfig

    def base(hidden: int) -> TransformerConfig:
        return TransformerConfig(vocabulary, DIM, 2, 4, 2, hidden)

    reads = "nothing" if arm == "constant" else "mean"
    config = GeometricConfig(base(HIDDEN), COORDINATES, pairs=8, rank=4, predictor=64, reads=reads)
    if arm in ("constant", "modulated", "curriculum"):
        return Geometric(config, seed)
    missing = _size(Geometric(config)) - _size(Transformer(base(HIDDEN)))
    return Transformer(base(HIDDEN + round(missing / (2 * 3 * DIM))), seed)


def _size(model: Any) -> int:
    return sum(each.numel() for each in model.parameters())


def _loss(model: Any, blocks: Any, theta: Any = None) -> float:
    """Return the mean loss of held-out sequences in nats a character, at given coordinates if there are any."""
    import torch
    from torch.nn import functional

    total = 0.0
    with torch.no_grad():
        for at in range(0, len(blocks), 32):
            some, own = blocks[at : at + 32], None if theta is None else theta[at : at + 32]
            logits = model(some[:, :-1]) if own is None else model(some[:, :-1], theta=own)
            total += float(functional.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten(), reduction="sum"))
    return total / (len(blocks) * LENGTH)


def _ablated(model: Any, blocks: Any) -> dict[str, float]:
    """Return the loss at other coordinates than the model's own, and without its bank."""
    import torch

    with torch.no_grad():
        own = model.coordinates(blocks[:, :-1])
    shuffled = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(0))]
    mean = own.mean((0, 1))
    mean = (mean * COORDINATES**0.5 / mean.norm()).expand_as(own)
    losses = {
        name: _loss(model, blocks, theta) for name, theta in (("own", own), ("shuffled", shuffled), ("mean", mean))
    }
    return {**losses, "identity": _loss(model.base, blocks)}


def _points(model: Any, texts: Sequence[str], tokenizer: Any) -> Any:
    """Return the coordinate at the end of each text."""
    import torch

    with torch.no_grad():
        return torch.stack([model.coordinates(torch.tensor([tokenizer.encode(text)]))[0, -1] for text in texts])


def _by_coordinates(model: Any, registers: Registers, tokenizer: Any) -> float:
    """Return how many held-out sentences are nearest to the mean coordinate of their register."""
    few = {genre: texts[:: max(1, len(texts) // 1000)] for genre, texts in registers["train"].items()}
    means = [_points(model, texts, tokenizer).mean(0) for texts in few.values()]
    asked = [_points(model, texts, tokenizer) for texts in registers["test"].values()]
    return _nearest(means, asked)


def _nearest(means: Sequence[Any], asked: Sequence[Any]) -> float:
    """Return the mean share over classes of what is nearest to the mean of its own class, by the cosine."""
    import torch
    from torch.nn import functional

    directions = functional.normalize(torch.stack(list(means)).float(), dim=-1)
    shares = [float(((each.float() @ directions.T).argmax(-1) == own).float().mean()) for own, each in enumerate(asked)]
    return fmean(shares)


def _interpolated(model: Any, registers: Registers, tokenizer: Any) -> dict[str, Any]:
    """Return how the behaviour changes on the way from the mean coordinate of one register to that of another."""
    import torch

    from brainsim.networks.coordinates import along

    names = list(registers["train"])[:2]
    ends = [_points(model, registers["train"][name][:200], tokenizer).mean(0) for name in names]
    ends = [end * COORDINATES**0.5 / end.norm() for end in ends]
    texts = [torch.tensor(tokenizer.encode("\n".join(registers["test"][name])))[:500] for name in names]
    found = along(model, ends[0], ends[1], texts, POINTS)
    return {
        "from_first": list(found.from_first),
        "from_second": list(found.from_second),
        "monotone": float(found.smooth),
        "whole": found.from_first[-1],
        "largest_step": max(found.steps) / max(sum(found.steps), 1e-12),
        "losses": [list(each) for each in found.losses],
    }


def routed(_: Part, source: str | None, surface: str, steps: int, sentences: int, seed: int) -> dict[str, float]:
    """Route held-out sentences to their register, by coordinates, histograms and naive Bayes; return the shares."""
    import torch

    from brainsim.networks.bpe import BpeTokenizer
    from brainsim.networks.geometric import Geometric, GeometricConfig
    from brainsim.networks.transformer import TransformerConfig

    torch.set_num_threads(1)
    registers = read_registers(source, sentences)
    change = _letters if surface == "letters" else str
    text = {split: {g: [change(t) for t in ts if change(t)] for g, ts in of.items()} for split, of in registers.items()}
    tokenizer = BpeTokenizer.learn(_corpus(text["train"], seed), 1024)
    tokens = {split: [[tokenizer.encode(t) for t in ts] for ts in of.values()] for split, of in text.items()}
    base = TransformerConfig(tokenizer.vocabulary, DIM, 1, 4, 2, HIDDEN)
    config = GeometricConfig(base, COORDINATES, pairs=8, rank=4, predictor=64)
    found = {"chance": 1 / len(text["train"]), "untrained": _theta_routes(Geometric(config, seed), tokens)}
    for name in ("contrastive", "shuffled_labels"):
        model = Geometric(config, seed)
        _contrast(model, tokens["train"], steps, seed, shuffled=name == "shuffled_labels")
        found[name] = _theta_routes(model, tokens)
    counts = {split: [_counts(ts, tokenizer.vocabulary) for ts in of] for split, of in tokens.items()}
    shares = {split: [each / each.sum(-1, keepdim=True) for each in of] for split, of in counts.items()}
    found["histogram"] = _nearest(
        [each.mean(0) for each in shares["train"]], [e / e.norm(dim=-1, keepdim=True) for e in shares["test"]]
    )
    found["naive_bayes"] = _bayes(counts["train"], counts["test"])
    return found


def _theta(model: Any, texts: Sequence[Sequence[int]]) -> Any:
    """Return the coordinate at the end of each text, ``(N, C)``: texts of any length, padded behind their end."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    padded = pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
    ends = torch.tensor([len(text) - 1 for text in texts])
    return model.coordinates(padded)[torch.arange(len(texts)), ends]


def _theta_routes(model: Any, tokens: Mapping[str, Sequence[Sequence[Sequence[int]]]]) -> float:
    import torch

    with torch.no_grad():
        means = [_theta(model, texts[:2000]).mean(0) for texts in tokens["train"]]
        return _nearest(means, [_theta(model, texts) for texts in tokens["test"]])


def _contrast(model: Any, train: Sequence[Sequence[Sequence[int]]], steps: int, seed: int, *, shuffled: bool) -> None:
    """Train coordinates so that sentences of one register lie together: 32 of each, labels shuffled if so asked."""
    import torch

    from brainsim.networks.curriculum import contrastive

    optimizer = torch.optim.AdamW([*model.base.embedding.parameters(), *model.predictor.parameters()], lr=1e-3)
    rng = np.random.default_rng([seed, 6])
    labels = torch.arange(len(train)).repeat_interleave(32)
    pool = [(text, own) for own, texts in enumerate(train) for text in texts]
    if shuffled:
        kinds = rng.permutation([own for _, own in pool])
        pool = [(text, int(own)) for (text, _), own in zip(pool, kinds, strict=True)]
    classes = [[text for text, own in pool if own == number] for number in range(len(train))]
    for _step in range(steps):
        chosen = [texts[at] for texts in classes for at in rng.integers(len(texts), size=32)]
        optimizer.zero_grad()
        contrastive(_theta(model, chosen), labels).backward()
        optimizer.step()


def _counts(texts: Sequence[Sequence[int]], vocabulary: int) -> Any:
    import torch

    return torch.stack([torch.bincount(torch.tensor(text), minlength=vocabulary) for text in texts]).float()


def _bayes(train: Sequence[Any], test: Sequence[Any]) -> float:
    """Return the share that a multinomial naive Bayes classifier routes right, in the mean over classes."""
    import torch

    likely = torch.stack([((each.sum(0) + 1) / (each.sum() + each.shape[1])).log() for each in train])
    return fmean(float(((each @ likely.T).argmax(-1) == own).float().mean()) for own, each in enumerate(test))


def _check(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Fail if a control is missing: what was measured would say nothing."""
    missing = {arm for arm in ARMS if not found.get(arm)}
    missing |= {name for part in found["modulated"] for name in ABLATIONS if name not in part.get("ablations", {})}
    routes = {*ROUTES} - {"language_model"}
    missing |= {
        name for key, parts in found.items() if key.startswith("routing") for part in parts for name in routes - {*part}
    }
    if missing:
        raise ExperimentError(f"geometric_lm: the controls {', '.join(sorted(missing))} are missing")


def _metrics(found: Mapping[str, Sequence[Mapping[str, Any]]], source: str | None) -> dict[str, Any]:
    losses = {arm: scores(found[arm], "loss") for arm in ARMS}
    ablated = {name: [part["ablations"][name] for part in found["modulated"]] for name in ABLATIONS}
    differences = {
        "equal_steps": _minus(losses["plain"], losses["modulated"]),
        "equal_seconds": _minus(losses["longer"], losses["modulated"]),
        "constant_costs": _minus(losses["constant"], losses["modulated"]),
        "curriculum_costs": _minus(losses["curriculum"], losses["modulated"]),
        **{f"{name}_costs": _minus(ablated[name], ablated["own"]) for name in ("shuffled", "mean", "identity")},
    }
    means = {name: fmean(values) for name, values in differences.items()}
    routes = {name: {route: fmean(values) for route, values in _routes(found, name).items()} for name in SURFACES}
    paths = [part["interpolation"] for part in found["modulated"]]
    return {
        "texts": source or "made up",
        "loss": {arm: fmean(values) for arm, values in losses.items()},
        "parameters_of": {arm: found[arm][0]["parameters"] for arm in ARMS},
        "differences": means,
        "routing_as_written": routes["written"],
        "routing_letters": routes["letters"],
        "interpolation": {name: fmean(scores(paths, name)) for name in ("whole", "largest_step", "monotone")},
        **{f"{arm}_step_seconds": fmean(scores(found[arm], "step_seconds")) for arm in ARMS},
        "chance": {"routing": found["routing-written"][0]["chance"]},
        "intervals_95": {name: interval_95(values) for name, values in differences.items()},
        "by_seed": {f"arm={arm}": {"loss": values} for arm, values in losses.items()},
        "criteria": CRITERIA,
        "met": {
            "equal_steps": means["equal_steps"] >= CRITERIA["equal_steps"],
            "equal_seconds": means["equal_seconds"] >= CRITERIA["equal_seconds"],
            "shuffled_costs": means["shuffled_costs"] >= CRITERIA["shuffled_costs"],
            "constant_costs": means["constant_costs"] >= CRITERIA["constant_costs"],
            "curriculum_costs": means["curriculum_costs"] <= CRITERIA["curriculum_costs"],
            "language_model_routes": routes["written"]["language_model"] > routes["written"]["histogram"],
            "contrastive_routes": all(each["contrastive"] > each["naive_bayes"] for each in routes.values()),
            "monotone": all(path["monotone"] for path in paths),
        },
    }


def _minus(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(first, second, strict=True)]


def _routes(found: Mapping[str, Sequence[Mapping[str, Any]]], surface: str) -> dict[str, list[float]]:
    """Return the shares of each way to route; that of the language model reads characters as they are written."""
    routes = {name: scores(found[f"routing-{surface}"], name) for name in ROUTES if name != "language_model"}
    return {**routes, "language_model": scores(found["modulated"], "routing")} if surface == "written" else routes


def _tables(run: Run, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    rows = [
        [title, found[arm][0]["parameters"], measured(scores(found[arm], "loss"), 3)] for arm, title in ARMS.items()
    ]
    for arm in ("modulated", "curriculum"):
        for name, title in ABLATIONS.items():
            values = [part["ablations"][name] for part in found[arm]]
            rows.append([f"{ARMS[arm]}; coordinates: {title}", "", measured(values, 3)])
    write_table(run, "loss.md", "Held-out loss, nats a character", ["", "parameters", "loss"], rows)
    ways = {surface: _routes(found, surface) for surface in SURFACES}
    shown = [
        [title, *(measured(way[name], 3, bounded=True) if name in way else None for way in ways.values())]
        for name, title in ROUTES.items()
    ]
    write_table(run, "routing.md", "Sentences routed to their register", ["", *SURFACES.values()], shown)


def _draw(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    figure = Figure(figsize=(13, 4), layout="constrained")
    loss, routing, path = figure.subplots(1, 3)
    bars = {title: scores(found[arm], "loss") for arm, title in ARMS.items()}
    for name, title in list(ABLATIONS.items())[1:]:
        bars[f"modulated, at {title}"] = [part["ablations"][name] for part in found["modulated"]]
    _bars(loss, bars)
    loss.set(xlabel="held-out loss, nats a character")
    ways = _routes(found, "written")
    _bars(routing, {title: ways[name] for name, title in ROUTES.items()})
    routing.axvline(found["routing-written"][0]["chance"], color="0.5", ls=":")
    routing.set(xlabel="sentences routed right", xlim=(0, 1))
    shares = np.linspace(0, 1, POINTS)
    for part in found["modulated"]:
        path.plot(shares, part["interpolation"]["from_first"], "o-", ms=3, color="C0", alpha=0.6)
        path.plot(shares, part["interpolation"]["from_second"], "o-", ms=3, color="C1", alpha=0.6)
    path.set(xlabel="way between two registers' coordinates", ylabel="divergence from either end, nats", ylim=0)
    return figure


def _bars(axes: Any, bars: Mapping[str, Sequence[float]]) -> None:
    for at, values in enumerate(bars.values()):
        axes.plot(values, [at] * len(values), ".", color="C0", alpha=0.5)
        axes.plot(fmean(values), at, "|", ms=16, color="C0")
    axes.set_yticks(range(len(bars)), list(bars), fontsize="x-small")
    axes.invert_yaxis()
