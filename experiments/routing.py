"""Route items through a thalamus: whole channels compete, or single neurons, and a gate lets the chosen items through.

A goal names a few of L items.  Each item has a *key* of goal neurons and a channel of relay neurons in the thalamus,
which are linked in one round, and neurons of its own that are linked to a pattern of the working memory.  All items
fire; the fiber to the working memory is gated by the thalamus, so that only the chosen ones are heard.  A goal is the
union of its items' keys, of which a part is missing.

An item is chosen if at least half of its relays fire.  Success is stated in advance: with L = 10 000 items, .995 of the
named items are chosen and the working memory recalls .98 of them, and the synaptic events that choose them grow in
proportion to L while those that transmit them do not grow.  Controls: relays that compete one by one choose less
surely; with a random gate or none nothing is recalled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from brainsim import Area, Assembly, Brain, Channels, Fiber, FiberSet, Hebbian, Simulator, experiment
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

Neurons = npt.NDArray[np.int64]

RULE = Hebbian(8.0, 9.0)  # one co-firing saturates a synapse
GOAL, KEY, ITEM = 2000, 50, 50  # neurons of the goal area, of a key and of an item
RELAYS = 10  # relay neurons of a channel
P = 0.2
CRITERIA = {"channels": 0.995, "gated": 0.98}
MEASURES = {
    "channels": "items chosen, relays compete by channel",
    "neurons": "items chosen, relays compete one by one",
    "relays": "right relays that fire, one by one",
    "gated": "items recalled in the working memory",
    "random_gate": "control: recalled with a random gate",
    "ungated": "control: recalled without a gate",
}
EVENTS = {
    "choose": "goal to thalamus",
    "transmit": "items to working memory, gated",
    "ungated_events": "items, no gate",
}


@experiment(quick={"items": "60,240", "working": 2000, "queries": 5, "ungated": 2, "seeds": 2})
def routing(
    run: Run,
    *,
    items: str = "100,1000,10000",
    chosen: int = 4,
    cue: float = 0.6,
    working: int = 20_000,
    queries: int = 30,
    ungated: int = 2,
    seeds: int = 3,
) -> Mapping[str, Any]:
    """Choose ``chosen`` of L items by ``cue`` of each key, for several L (``items``, with commas between them).

    Parameters
    ----------
    items
        Numbers of items L, with commas between them.
    chosen
        Items that a goal names.
    cue
        Fraction of each key that a goal holds, 0 to 1.
    working
        Neurons of the working memory.
    queries
        Goals that each brain is asked for.
    ungated
        Queries of the control without a gate.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    sizes = [int(each) for each in items.split(",")]
    calls = {
        f"items-{size}": Call(routed, (size, chosen, cue, working, queries, ungated))
        for size in sorted(sizes, reverse=True)  # the longest begin first
    }
    found = over_seeds(run, calls, seeds)
    parts = {size: found[f"items-{size}"] for size in sizes}
    _table(run, parts)
    run.picture("routing.png", lambda: _draw(parts))
    means = {size: {name: fmean(scores(seen, name)) for name in (*MEASURES, *EVENTS)} for size, seen in parts.items()}
    last = means[sizes[-1]]
    return {
        "by_items": {
            str(size): {name: round(value, 4) for name, value in each.items()} for size, each in means.items()
        },
        "slopes": {name: _slope({size: each[name] for size, each in means.items()}) for name in EVENTS},
        "criteria": CRITERIA,
        "met": {name: last[name] >= least for name, least in CRITERIA.items()},
        "chance": {"relays": chosen / sizes[-1], "recall": KEY * chosen / working},
        "intervals_95": {
            str(size): {name: interval_95(scores(seen, name), bounded=True) for name in MEASURES}
            for size, seen in parts.items()
        },
        "by_seed": {f"items={size}": by_seed(seen) for size, seen in parts.items()},
    }


class Thalamus:
    """A goal area, relays that compete by channel and relays that compete one by one, items and a working memory."""

    def __init__(self, items: int, chosen: int, working: int, seed: int, **options: Any) -> None:
        brain, relays, k = Brain(), items * RELAYS, chosen * RELAYS
        goal = brain.add(Area("Goal", GOAL, KEY * chosen))
        channels = brain.add(Area("Channels", relays, activation=Channels(RELAYS, chosen)))
        neurons = brain.add(Area("Neurons", relays, k))
        source = brain.add(Area("Items", items * ITEM, items * ITEM))
        gated, free = (brain.add(Area(name, working, ITEM * chosen)) for name in ("Gated", "Free"))
        self.choosing: FiberSet = brain.connect(goal, channels, P, RULE) | brain.connect(goal, neurons, P, RULE)
        self.gated: Fiber = brain.connect(source, gated, P, RULE, gate=channels)
        self.free: Fiber = brain.connect(source, free, P, RULE)
        self.items = items
        rng = np.random.default_rng([seed, 1])
        self.keys = np.array([rng.choice(GOAL, KEY, replace=False) for _ in range(items)])
        self.patterns = np.array([np.sort(rng.choice(working, ITEM, replace=False)) for _ in range(items)])
        self.sim = Simulator(brain, seed, **options)

    def relays(self, items: Neurons) -> Neurons:
        """Return the relay neurons of some items."""
        return np.sort((items[:, None] * RELAYS + np.arange(RELAYS)).ravel())

    def link(self, item: int) -> None:
        """Link a key with its relays, and an item with its pattern, in a round in which nothing transmits."""
        relays, pattern = self.relays(np.array([item])), self.patterns[item]
        self.sim.present(
            Assembly("Goal", np.sort(self.keys[item])),
            Assembly("Channels", relays),
            Assembly("Neurons", relays),
            Assembly("Items", item * ITEM + np.arange(ITEM)),
            Assembly("Gated", pattern),
            Assembly("Free", pattern),
        )
        self.sim.run((), learn=self.choosing | self.gated | self.free)

    def choose(self, cue: Neurons) -> dict[str, Neurons]:
        """Let a goal choose, and return the relays that fire."""
        self.sim.release()
        self.sim.present(Assembly("Goal", cue))
        self.sim.run(self.choosing, learn=())
        return {name: self.sim.assembly(name).neurons for name in ("Channels", "Neurons")}

    def recall(self, fiber: Fiber) -> Neurons:
        """Let all items fire, and return what fires in the working memory at the end of a fiber."""
        self.sim.hold("Channels")
        self.sim.present(Assembly("Items", np.arange(self.items * ITEM)))
        self.sim.run(fiber, learn=())
        return self.sim.assembly(fiber.target).neurons


def routed(
    part: Part, items: int, chosen: int, cue: float, working: int, queries: int, ungated: int, seed: int
) -> dict[str, float]:
    """Link all items, ask for some, and return the measures and the synaptic events of a query."""
    thalamus, rng = Thalamus(items, chosen, working, seed, **part.simulator), np.random.default_rng([seed, 2])
    with thalamus.sim:
        for item in range(items):
            thalamus.link(item)
        seen = [_asked(thalamus, chosen, cue, rng) for _ in range(queries)]
        means = {name: fmean(scores(seen, name)) for name in seen[0]}
        free = [_recalled(thalamus, thalamus.free, rng.choice(items, chosen, replace=False)) for _ in range(ungated)]
        events = thalamus.sim.events()
        return {
            **means,
            "ungated": fmean(free),
            "choose": events["Goal->Channels"] / queries,
            "transmit": events["Items->Gated"] / (2 * queries),
            "ungated_events": events["Items->Free"] / ungated,
        }


def _asked(thalamus: Thalamus, chosen: int, cue: float, rng: np.random.Generator) -> dict[str, float]:
    """Return what comes of one query, and of the same items behind a random gate."""
    items = rng.choice(thalamus.items, chosen, replace=False)
    part = [rng.choice(thalamus.keys[item], round(cue * KEY), replace=False) for item in items]
    fired = thalamus.choose(np.unique(part))
    gated = _recalled(thalamus, thalamus.gated, items)
    thalamus.sim.present(Assembly("Channels", thalamus.relays(rng.choice(thalamus.items, chosen, replace=False))))
    return {
        "channels": _chosen(fired["Channels"], items),
        "neurons": _chosen(fired["Neurons"], items),
        "relays": _share(fired["Neurons"], thalamus.relays(items)),
        "gated": gated,
        "random_gate": _recalled(thalamus, thalamus.gated, items),
    }


def _recalled(thalamus: Thalamus, fiber: Fiber, items: Neurons) -> float:
    return _share(thalamus.recall(fiber), np.unique(thalamus.patterns[items]))


def _chosen(fired: Neurons, items: Neurons) -> float:
    """Return the share of some items that are chosen: at least half of their relays fire."""
    firing = np.bincount(fired // RELAYS, minlength=int(items.max()) + 1)
    return float(np.mean(2 * firing[items] >= RELAYS))


def _share(fired: Neurons, right: Neurons) -> float:
    """Return the share of the right neurons that fired."""
    return len(np.intersect1d(fired, right)) / len(right)


def _slope(values: Mapping[int, float]) -> float | None:
    """Return the slope of the values against the number of items in a plot with logarithmic axes."""
    if len(values) < 2:
        return None
    places = [log10(items) for items in values]
    return round(float(np.polyfit(places, np.log10(list(values.values())), 1)[0]), 3)


def _table(run: Run, parts: Mapping[int, Sequence[Any]]) -> None:
    rows = [
        [title, *(measured(scores(seen, name), 3, bounded=True) for seen in parts.values())]
        for name, title in MEASURES.items()
    ]
    rows += [
        [f"synaptic events of a query: {title}", *(f"{fmean(scores(seen, name)):.3g}" for seen in parts.values())]
        for name, title in EVENTS.items()
    ]
    write_table(
        run, "routing.md", "Choosing items and recalling them", ["", *(f"L = {size:_}" for size in parts)], rows
    )


def _draw(parts: Mapping[int, Sequence[Any]]) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    share_axes, event_axes = figure.subplots(1, 2)
    for axes, names in ((share_axes, MEASURES), (event_axes, EVENTS)):
        for name, title in names.items():
            values = np.array([scores(seen, name) for seen in parts.values()])
            (line,) = axes.plot(list(parts), values.mean(axis=1), "o-", label=title.replace("control: ", ""))
            axes.plot(list(parts), values, ".", color=line.get_color(), alpha=0.5)
        axes.set_xscale("log")
        axes.set_xlabel("items L")
        axes.legend(fontsize="x-small")
    share_axes.set(ylim=(-0.03, 1.03), ylabel="share of the right neurons")
    event_axes.set(yscale="log", ylabel="synaptic events of a query")
    return figure
