"""A small run that records everything that a report shows, and functions that read a report."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

STUDY = '''
import time
from pathlib import Path
from brainsim import Area, Brain, Hebbian, Simulator, dumps, experiment
from brainsim.studies.processes import Call


def learned(part, beta, words, rounds, pause, seed):
    sounds = {word: range(12 * at, 12 * at + 12) for at, word in enumerate(words)}
    brain = Brain()
    ear, lex = brain.add(Area("Ear", 120, 12, sounds), Area("Lex", 400, 20))
    brain.connect(ear, lex, p=0.2, plasticity=Hebbian(beta, w_max=20))
    brain.connect(lex, lex, p=0.2, plasticity=Hebbian(beta, w_max=20))
    curve, assemblies = [], []
    with Simulator(brain, seed, backend="reference") as sim:
        recording = part.record(sim, to="rounds.h5", every=5) if part.files else None
        for at, word in enumerate(words):
            if recording is not None:
                recording.mark(word)
            sim.present(ear[word])
            sim.run(ear >> lex, rounds=1)
            first = sim.assembly(lex)
            for _ in range(rounds - 1):
                sim.run(ear >> lex | lex >> lex)
                time.sleep(pause if part.files else 0)
            assemblies.append(sim.assembly(lex).labelled(word))
            curve.append({"words": at + 1, "kept": first.overlap(assemblies[-1])})
        if part.files:
            dumps.write_assemblies(part.folder / "words.h5", assemblies, descriptions={words[0]: "the first word"})
            sim.save(part.folder / "state.h5")
    return {"kept": sum(each["kept"] for each in curve) / len(curve), "curve": curve}


@experiment
def study(run, *, words: str = "dog,cat,bird", rounds: int = 8, pause: float = 0.0):
    """Learn some words.

    Parameters
    ----------
    words : str
        The words.
    """
    names = tuple(words.split(","))
    conditions = {"trained": 0.1, "beta_zero": 0.0}
    keys = {f"{name}-{seed}": (beta, names, rounds, pause, seed)
            for name, beta in conditions.items() for seed in (run.seed, run.seed + 1)}
    files = {f"trained-{run.seed}": ("rounds.h5", "words.h5", "state.h5")}
    found = run.parts({key: Call(learned, args) for key, args in keys.items()}, files=files)
    each = {name: [found[f"{name}-{seed}"] for seed in (run.seed, run.seed + 1)] for name in conditions}
    kept = {name: [part["kept"] for part in parts] for name, parts in each.items()}
    return {
        "kept": sum(kept["trained"]) / 2,
        "by_seed": {"kept": kept["trained"]},
        "controls": {"beta_zero": {"by_seed": {"kept": kept["beta_zero"]}}},
        "chance": {"kept": 0.05},
        "curve": {name: [part["curve"] for part in parts] for name, parts in each.items()},
        "sweep_seconds": 1.5,
    }
'''

HOSTILE = (
    "</script><script>document.title = 'taken'</script>",
    '"><img src=x onerror="document.title = `taken`">',
    "$$\\frac{1}{2}$$ @x $name {{ 7 * 7 }}",
)
"""Words that would become markup, a formula or a template, if they were not escaped."""


@dataclass
class Read(HTMLParser):
    """The elements of a page, as a browser finds them."""

    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    attributes: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _open: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("src", "href", "action", "data") if name in found]
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    @property
    def content(self) -> Any:
        """The document that the script of the page draws."""
        return json.loads(self.texts["script"][0])

    @property
    def policy(self) -> str:
        """The content security policy."""
        return next(a["content"] for tag, a in self.attributes if tag == "meta" and "Policy" in a.get("http-equiv", ""))


def read(path: Path) -> Read:
    page = Read()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def sources(content: Any) -> dict[str, dict[str, Any]]:
    """Return the data of all named sources of a Bokeh document, by their names."""
    found: dict[str, dict[str, Any]] = {}

    def look(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("name") == "ColumnDataSource" and "name" in node.get("attributes", {}):
                entries = node["attributes"]["data"]["entries"]
                found[node["attributes"]["name"]] = {name: _array(values) for name, values in entries}
            for each in node.values():
                look(each)
        elif isinstance(node, list):
            for each in node:
                look(each)

    look(content["document"])
    return found


def _array(values: Any) -> Any:
    if isinstance(values, dict) and values.get("type") == "ndarray":
        data = b64decode(values["array"]["data"])
        data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data  # as newer versions of Bokeh write it
        return np.frombuffer(data, values["dtype"]).reshape(values["shape"])
    return values
