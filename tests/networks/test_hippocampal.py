"""The hippocampus of a language model: one presentation, familiarity, correction, files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsim import Brain, Hebbian
from brainsim.errors import DeclarationError, DumpError
from brainsim.networks.memory import Hippocampal, SurfaceKey
from checkout import ROOT
from memories import NAMES, VOCABULARY, WIDTH, decode, encode, memory, model

COLOURS = ("blue", "red", "green")
FACTS = {name: COLOURS[number % 3] for number, name in enumerate(NAMES[::2])}
NEW = NAMES[1::2]

pytestmark = pytest.mark.filterwarnings("ignore::brainsim.UnusedWarning")


def prompt(name: str) -> str:
    return f"the colour of {name} is"


def store_all(made: Hippocampal) -> None:
    for name, colour in FACTS.items():
        made.store(encode(f"{prompt(name)} {colour} ."))


def correct_answers(made: Hippocampal, text: str = "the colour of {name} is") -> list[bool]:
    return [made.recall(encode(text.format(name=name))).token == encode(colour)[0] for name, colour in FACTS.items()]


@pytest.fixture(scope="module")
def learned() -> Iterator[Hippocampal]:
    with memory() as made:
        store_all(made)
        made.calibrate([encode(prompt(name)) for name in NEW[:16]])
        yield made


@pytest.fixture(scope="module")
def by_content() -> Iterator[Hippocampal]:
    with memory(content=True) as made:
        store_all(made)
        made.calibrate([encode(prompt(name)) for name in NEW[:16]])
        yield made


def test_one_presentation_is_enough(learned: Hippocampal) -> None:
    assert np.mean(correct_answers(learned)) >= 0.98
    name, colour = next(iter(FACTS.items()))
    assert decode(learned.generate(encode(prompt(name)), 2)) == f"{colour} ."


def test_an_empty_memory_recalls_nothing() -> None:
    with memory() as made:
        found = made.recall(encode(prompt(NAMES[0])))
        assert (found.familiarity, made(encode(prompt(NAMES[0]))).answered.any()) == (0.0, False)


def test_without_plasticity_nothing_is_stored() -> None:
    with memory(plasticity=Hebbian(0.0, 9.0)) as made:
        made.store(encode(prompt(NAMES[0]) + " blue"))
        assert made.recall(encode(prompt(NAMES[0]))).familiarity == 0.0


def test_known_names_are_more_familiar_than_new_ones(learned: Hippocampal) -> None:
    known = [learned.recall(encode(prompt(name))).familiarity for name in FACTS]
    new = [learned.recall(encode(prompt(name))).familiarity for name in NEW[16:]]
    assert min(known) >= learned.threshold > max(new)


def test_logits_are_those_of_the_model_if_nothing_is_familiar(learned: Hippocampal) -> None:
    tokens = np.array(encode("a man hath a horse , and it is black . what news of rome ?"))
    found = learned(tokens)
    assert not found.answered.any()
    assert found.logits.tobytes() == model(tokens)[0].tobytes()


def test_an_answer_is_mixed_into_the_logits_at_its_position_only(learned: Hippocampal) -> None:
    name, colour = next(iter(FACTS.items()))
    tokens = np.array(encode(prompt(name)))
    found, own = learned(tokens), model(tokens)[0]
    assert found.answered[-1]
    assert np.array_equal(found.logits[~found.answered], own[~found.answered])
    word = encode(colour)[0]
    probabilities = np.exp(found.logits[-1].astype(np.float64))
    before = np.exp(own[-1].astype(np.float64)) / np.exp(own[-1].astype(np.float64)).sum()
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert probabilities[word] == pytest.approx(0.95 + 0.05 * before[word], rel=1e-4)


def test_calibrating_on_a_text_with_answers_raises_the_threshold() -> None:
    with memory() as made:
        store_all(made)
        text = encode(f"{prompt(NAMES[0])} yellow")  # a stored fact with another last word
        low = made.calibrate([encode(prompt(NEW[0]))], margin=0.1)
        assert made(text).answered.any()
        assert made.calibrate([encode(prompt(NEW[0]))], [text], margin=0.1) == 1.0 > low


def test_recall_and_generation_change_nothing(learned: Hippocampal) -> None:
    before = learned.sim.rounds, [len(each) for each in learned.sim.connectome(learned._facts.recalls).learned()]
    learned(encode(prompt(NEW[0])))
    learned.generate(encode(prompt(NAMES[0])), 3)
    after = learned.sim.rounds, [len(each) for each in learned.sim.connectome(learned._facts.recalls).learned()]
    assert before == after


def test_a_correction_replaces_one_fact_and_keeps_the_others() -> None:
    with memory() as made:
        store_all(made)
        name = NAMES[0]
        others = [at for at, each in enumerate(FACTS) if each != name]
        kept = np.array(correct_answers(made))[others]
        for _ in range(3):
            made.correct(encode(f"{prompt(name)} yellow ."))
        assert made.recall(encode(prompt(name))).token == encode("yellow")[0]
        assert np.array_equal(np.array(correct_answers(made))[others], kept)


def test_without_depression_the_old_answer_keeps_its_strength() -> None:
    """This is the control of the correction, in which depression weakens the old answer."""
    with memory(plasticity=Hebbian(8.0, 9.0)) as made, memory() as depressing:
        strengths = []
        for each in (made, depressing):
            sentence = prompt(NAMES[0])
            each.store(encode(f"{sentence} blue"), start=5)
            each.correct(encode(f"{sentence} red"), start=5)
            weights = each.sim.connectome(each._facts.recalls).learned()
            strengths.append(weights[2][weights[1] == encode("blue")[0]].max())
        assert strengths[0] == 9.0 > strengths[1]


@pytest.mark.parametrize("text", ["{name} hath a colour , and it is", "now tell me : the colour of {name} is"])
def test_content_keys_recall_other_wordings(by_content: Hippocampal, learned: Hippocampal, text: str) -> None:
    assert np.mean(correct_answers(by_content, text)) >= 0.98
    familiar = [by_content.recall(encode(text.format(name=name))).familiarity for name in FACTS]
    assert min(familiar) >= by_content.threshold
    new = [by_content.recall(encode(text.format(name=name))).familiarity for name in NEW[16:]]
    assert max(new) < by_content.threshold
    surface = [learned.recall(encode(text.format(name=name))).familiarity for name in FACTS]
    assert np.mean([each >= learned.threshold for each in surface]) < 0.5


def test_content_keys_recall_nothing_without_a_name_or_a_relation(by_content: Hippocampal) -> None:
    for text in ("the colour of the house is", NAMES[0], ". . ."):
        assert by_content.recall(encode(text)) == by_content.recall(encode("the"))
        assert by_content.recall(encode(text)).token is None


@pytest.mark.slow
def test_another_process_can_load_a_memory(by_content: Hippocampal, tmp_path: Path) -> None:
    path = tmp_path / "facts.h5"
    by_content.save(path)
    code = (
        "from memories import *; made = memory(content=True); made.fit([encode('now')]); "
        f"made.load({str(path)!r}); "
        f"print([made.recall(encode(t)) for t in {[prompt(n) for n in NAMES[:3]]!r}], made.threshold); made.close()"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests/support'}"},
    )
    assert ran.stdout.strip() == f"{[by_content.recall(encode(prompt(n))) for n in NAMES[:3]]} {by_content.threshold}"


def test_loading_a_file_removes_what_was_stored_later(tmp_path: Path) -> None:
    sentence, path = encode(f"{prompt(NAMES[0])} blue"), tmp_path / "facts.h5"
    with memory(content=True) as made:
        made.save(path)
        made.store(sentence, start=5)
        made.calibrate([encode(prompt(NAMES[1]))])
        assert made.recall(sentence[:5]).familiarity == 1.0
        made.load(path)
        assert (made.recall(sentence[:5]).familiarity, made.threshold) == (0.0, 0.95)


def test_a_file_of_another_memory_is_refused_and_changes_nothing(
    learned: Hippocampal, by_content: Hippocampal, tmp_path: Path
) -> None:
    path, plain = tmp_path / "facts.h5", tmp_path / "state.h5"
    learned.save(path)
    learned.sim.save(plain)
    before = by_content.recall(encode(prompt(NAMES[0])))
    for wrong in (path, plain, tmp_path / "missing.h5"):
        with pytest.raises(DumpError):
            by_content.load(wrong)
    assert by_content.recall(encode(prompt(NAMES[0]))) == before
    with Hippocampal(
        model, Brain(), vocabulary=VOCABULARY, width=WIDTH, key=SurfaceKey(decay=0.5), n=20_000, seed=1
    ) as other, pytest.raises(DumpError, match="its key has"):  # fmt: skip
        other.load(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lm": 3}, "Hippocampal.lm"),
        ({"key": 3}, "Hippocampal.key"),
        ({"n": 1}, "Hippocampal.n"),
        ({"k": 0}, "Hippocampal.k"),
        ({"vocabulary": 1}, "Hippocampal.vocabulary"),
        ({"threshold": 2.0}, "Hippocampal.threshold"),
        ({"weight": 1.0}, "Hippocampal.weight"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    given = {"lm": model, "vocabulary": VOCABULARY, "width": WIDTH, "n": 2000, **arguments}
    with pytest.raises(DeclarationError, match=message):
        Hippocampal(given.pop("lm"), Brain(), **given)


def test_a_model_of_other_shapes_is_refused() -> None:
    for lm in (lambda tokens: None, lambda tokens: (np.zeros((1, 2)), np.zeros((1, 2)))):
        with Hippocampal(lm, Brain(), vocabulary=10, width=10, n=2000) as made:
            with pytest.raises(DeclarationError, match=r"Hippocampal\.lm"):
                made.recall([1, 2])
            for tokens in ([], [10], [-1], [0.5], "text"):
                with pytest.raises(DeclarationError, match=r"tokens"):
                    made.recall(tokens)  # type: ignore[arg-type]


@pytest.mark.torch
def test_a_transformer_can_use_a_memory() -> None:
    torch = pytest.importorskip("torch")
    from brainsim.networks.memory import of_torch
    from brainsim.networks.transformer import Transformer, TransformerConfig

    net = Transformer(TransformerConfig(vocabulary=32, dim=16, layers=1, heads=2, kv_heads=1, hidden=32))
    tokens = [1, 2, 3, 4, 5, 6]
    with Hippocampal(of_torch(net), Brain(), vocabulary=32, width=16, n=5000) as made:
        made.fit([list(range(32))])
        made.store(tokens)
        assert made.generate(tokens[:3], 3) == tokens[3:]
        with torch.no_grad():
            own = net(torch.tensor([[9, 8, 7]]))[0].numpy()
        assert np.array_equal(made([9, 8, 7]).logits, own)
