"""Registers of text: sentences from a file, or made up of a few words."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from brainsim.errors import ExperimentError

Registers = dict[str, dict[str, list[str]]]  # split, register, sentences


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


def letters(text: str) -> str:
    """Return a text in lower-case letters only, without the information in punctuation and capitals."""
    return " ".join("".join(each if each.isalpha() else " " for each in text.lower()).split())


def corpus(registers: Mapping[str, Sequence[str]], seed: int) -> str:
    """Return the sentences of all registers in random order, one in each line."""
    lines = [text for texts in registers.values() for text in texts]
    return "\n".join(lines[at] for at in np.random.default_rng([seed, 5]).permutation(len(lines))) + "\n"
