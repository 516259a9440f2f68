"""Sentences that people labelled, and dialogues."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

from brainsim.errors import ExperimentError
from brainsim.models.cascade import CHANNELS
from emotional import made

LABELS = {"caring": "safety", "relief": "safety", "curiosity": "curiosity", "joy": "joy"}
"""Channels by labels of GoEmotions; sentences with other labels are left out."""


def read_sentences(path: Path | None) -> list[tuple[str, str, str]]:
    """Return sentences as ``(text, channel, split)``: made ones, or those of a TSV file.

    Raises
    ------
    ExperimentError
        If there is no such file, a column is missing, or a channel has no sentence.
    """
    if path is None:
        return made.sentences()
    if not Path(path).is_file():
        raise ExperimentError(f"--set sentences={path}: no such file; give a TSV with the columns text, labels, split")
    with Path(path).open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [name for name in ("text", "labels", "split") if name not in (table.fieldnames or ())]
        if missing:
            raise ExperimentError(f"--set sentences={path}: has no column {', '.join(missing)}")
        found = [(row["text"], LABELS[row["labels"]], row["split"]) for row in table if row["labels"] in LABELS]
    absent = [channel for channel in CHANNELS if channel not in {each for _, each, _ in found}]
    if absent:
        raise ExperimentError(f"--set sentences={path}: has no sentence labelled {', '.join(absent)}")
    return found


def read_dialogues(source: str) -> list[tuple[str, str]]:
    """Return prompts and replies: ``"made"``, the English ``"chatterbot"`` corpus, or a TSV file of two columns.

    Of each dialogue the first two turns count, so that no reply has two prompts.

    Raises
    ------
    ExperimentError
        If the package is not installed, or there is no such file.
    """
    if source == "made":
        return made.dialogues()
    if source != "chatterbot":
        if not Path(source).is_file():
            raise ExperimentError(f"--set dialogues={source}: no such file; give chatterbot, made, or a TSV file")
        lines = Path(source).read_text(encoding="utf-8").splitlines()
        return [(first, second) for first, _, second in (line.partition("\t") for line in lines) if second]
    if find_spec("chatterbot_corpus") is None or find_spec("yaml") is None:
        raise ExperimentError("--set dialogues=chatterbot: is not installed; pip install chatterbot-corpus")
    return _chatterbot()


def _chatterbot() -> list[tuple[str, str]]:
    import chatterbot_corpus
    import yaml

    folder = Path(chatterbot_corpus.__file__).parent / "data" / "english"
    found: dict[tuple[str, str], None] = {}
    for file in sorted(folder.glob("*.yml")):
        for turns in yaml.safe_load(file.read_text(encoding="utf-8"))["conversations"]:
            said = [str(turn).strip() for turn in turns if turn is not None]
            if len(said) > 1 and all(said[:2]):
                found[said[0], said[1]] = None
    return list(found)
