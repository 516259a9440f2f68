"""``brainsim lm``: its output, its errors, and training that is interrupted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from brainsim.networks.generating import Decoding, generate
from brainsim.networks.geometric import Geometric
from brainsim.networks.geometric.brain import geometric_brain
from brainsim.networks.geometric_presets import GEOMETRIC_10M, GEOMETRIC_TINY
from brainsim.networks.text import ByteTokenizer
from brainsim.networks.training.checkpoints import load
from checkout import ROOT
from terminal import brainsim

TEXT = "the cat sat on the mat, and the dog sat on the log; the cat saw the dog, the dog saw the cat.\n" * 40
SMALL = ("--steps", 6, "--batch", 2, "--length", 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lm")
    (made / "text.txt").write_text(TEXT)
    return made


@pytest.fixture
def net(folder: Path, capsys: Any) -> Path:
    """Return the file of a network that was trained for six steps."""
    path = folder / "net.safetensors"
    if not path.exists():
        code, out, err = brainsim("lm", "train", folder / "text.txt", "--out", path, *SMALL, capsys=capsys)
        assert code == 0, err
        assert re.fullmatch(
            r"loss \d\.\d{4}, \d\.\d{4} on held-out text \(nats a token\); wrote .*net.safetensors\n", out
        )
    return path


def test_the_presets_are_listed_with_their_parameters(capsys: Any) -> None:
    code, out, _ = brainsim("lm", "presets", capsys=capsys)
    assert code == 0
    for line in ("geometric_tiny", "geometric_10m", "nokai_tiny"):
        assert line in out
    assert re.search(r"geometric_10m +9_982_078  ", out)


def test_a_preset_is_verified_part_by_part(capsys: Any) -> None:
    code, out, _ = brainsim("lm", "verify", "--preset", "geometric_tiny", capsys=capsys)
    assert code == 0
    for line in (
        r"parameters: embedding +32_768",
        r"parameters +164_138",
        r"first changed at 16",
        r"merged weights +\d",
    ):
        assert re.search(line, out)
    assert "WRONG" not in out


def test_a_mismatch_is_shown_and_gives_exit_code_1(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Two errors are found: a model that reads later tokens, and a wrong number of parameters."""
    from dataclasses import replace

    from brainsim.networks import presets

    class NotCausal(Geometric):
        def coordinates(self, tokens: torch.Tensor, cache: Any = None) -> torch.Tensor:
            theta = super().coordinates(tokens, cache)
            return theta.mean(1, keepdim=True).expand_as(theta)

        def forward(self, tokens: torch.Tensor, cache: Any = None, theta: Any = None) -> torch.Tensor:
            return super().forward(tokens, cache, theta) + self.coordinates(tokens).mean()

    tiny = presets.preset("geometric_tiny")
    wrong = replace(tiny, name="ahead", build=NotCausal, counts={**tiny.counts, "embedding": 32_769})
    monkeypatch.setattr(presets, "presets", lambda: {"ahead": wrong})
    code, out, err = brainsim("lm", "verify", "--preset", "ahead", capsys=capsys)
    assert code == 1
    assert re.search(r"parameters: embedding +32_768  WRONG, must be 32_769", out)
    assert re.search(r"first changed at 0  WRONG, must be first changed at 16", out)
    assert "checks are wrong" in err


def test_a_network_is_trained_verified_and_used(net: Path, capsys: Any) -> None:
    assert brainsim("lm", "verify", "--checkpoint", net, capsys=capsys)[0] == 0
    code, out, _ = brainsim("lm", "generate", "--checkpoint", net, "the cat", "--tokens", 8, capsys=capsys)
    assert code == 0
    assert out.startswith("the cat")
    assert out == brainsim("lm", "generate", "--checkpoint", net, "the cat", "--tokens", 8, capsys=capsys)[1]
    code, out, err = brainsim(
        "lm", "generate", "--checkpoint", net, "the cat", "--tokens", 3, "--refine", 2, capsys=capsys
    )
    assert code == 0
    assert "the loss of the prompt went from" in err


def test_coordinates_are_analysed_and_interpolated(net: Path, capsys: Any) -> None:
    code, out, _ = brainsim("lm", "analyse", "--checkpoint", net, "the cat sat", capsys=capsys)
    assert code == 0
    assert re.search(r"norm of the coordinate +8\n", out)
    assert len(out.splitlines()) == 5 + len(load(net).tokenizer.encode("the cat sat"))
    code, out, _ = brainsim("lm", "interpolate", "--checkpoint", net, "the cat", "a dog", "--tokens", 4, capsys=capsys)
    assert code == 0
    assert [line[:6] for line in out.splitlines() if line.startswith("[")] == [f"[{at / 4:.2f}]" for at in range(5)]


def test_chat_answers_each_line_until_an_empty_one(net: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["the cat", "and the dog", ""])
    monkeypatch.setattr("click.prompt", lambda *args, **kwargs: next(lines))
    code, out, _ = brainsim("lm", "chat", "--checkpoint", net, "--tokens", 5, capsys=capsys)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert next(lines, "all read") == "all read"


def test_tokens_that_the_tokenizer_lacks_are_never_written(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network has 512 tokens and prefers those that are no bytes; the tokenizer has 256 bytes."""
    model, tokenizer = Geometric(GEOMETRIC_TINY), ByteTokenizer()
    with torch.no_grad():
        model.base.embedding.weight[tokenizer.vocabulary :] *= 100
    step = next(iter(generate(model, tokenizer.encode("the cat"), 1, Decoding("greedy"))))
    assert step.token >= tokenizer.vocabulary  # without the mask
    monkeypatch.setattr("brainsim.cli.lm._network", lambda *_: (model, tokenizer))
    for choose in ("greedy", "nucleus", "adaptive"):
        code, out, err = brainsim("lm", "generate", "the cat", "--tokens", 30, "--choose", choose, capsys=capsys)
        assert (code, out[:7], err) == (0, "the cat", "")
        lines = iter(["the cat", ""])
        monkeypatch.setattr("click.prompt", lambda *args, lines=lines, **kwargs: next(lines))
        assert brainsim("lm", "chat", "--tokens", 30, "--choose", choose, capsys=capsys)[0] == 0


def test_a_resumed_run_gives_the_same_bits(net: Path, folder: Path, capsys: Any) -> None:
    """Training that is interrupted and resumed writes the same file as training without an interruption."""
    from brainsim.cli import lm_train

    part = folder / "part.safetensors"
    command = ("lm", "train", folder / "text.txt", "--out", part)
    original, asked = lm_train._stopping, []

    class After(list[int]):
        def __bool__(self) -> bool:
            asked.append(1)
            return len(asked) >= 3

    from contextlib import contextmanager

    @contextmanager
    def stopping() -> Iterator[list[int]]:
        yield After([signal.SIGINT])

    lm_train._stopping = stopping  # type: ignore[assignment]
    try:
        code, _, err = brainsim(*command, *SMALL, capsys=capsys)
    finally:
        lm_train._stopping = original
    assert code == 130
    assert (
        f"interrupted after step 3; continue with: brainsim lm train {folder / 'text.txt'} --out {part} --resume" in err
    )
    assert load(part).done == 3
    assert brainsim(*command, "--resume", capsys=capsys)[0] == 0
    assert part.read_bytes() == net.read_bytes()


def refused(capsys: Any, *arguments: object) -> str:
    """Return the error of a command that must be refused."""
    code, out, err = brainsim("lm", *arguments, capsys=capsys)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    return err


def test_bad_input_is_refused_with_a_clear_error(
    net: Path, folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, out = folder / "text.txt", ("--out", folder / "new.safetensors")
    for name, content, message in (
        ("empty.txt", b"", "holds no text"),
        ("binary.txt", b"ab\0c", "is binary"),
        ("latin.txt", "Ärger".encode("latin1"), "is not UTF-8"),
        ("short.txt", b"short", "length: must be below"),
    ):
        (folder / name).write_bytes(content)
        assert message in refused(capsys, "train", folder / name, *out)
    (folder / "wide.txt").write_text("".join(map(chr, range(300, 900))))
    wide = refused(capsys, "train", folder / "wide.txt", *out, "--tokenizer", "char")
    assert "must be at most the 512 tokens of the network (got 600)" in wide
    assert "unknown preset 'large'" in refused(capsys, "train", text, *out, "--preset", "large")
    assert "is only counted" in refused(capsys, "train", text, *out, "--preset", "geometric_origin_108m")
    assert "--length: must be at most 512" in refused(capsys, "train", text, *out, "--length", 513)
    assert "--tokenizer: must be byte, char, bpe" in refused(capsys, "train", text, *out, "--tokenizer", "words")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "there is no CUDA device" in refused(capsys, "train", text, *out, "--device", "cuda")
    assert "is there; go on with --resume" in refused(capsys, "train", text, "--out", net)
    assert "was trained on another text" in refused(capsys, "train", folder / "wide.txt", "--out", net, "--resume")
    assert "not 'nokai_tiny'" in refused(capsys, "generate", "--checkpoint", net, "--preset", "nokai_tiny", "the")
    assert "beyond the 512 of the model" in refused(capsys, "generate", "--checkpoint", net, "the " * 400)
    assert "the prompt is empty" in refused(capsys, "generate", "--checkpoint", net, "")
    assert "needs --checkpoint" in refused(capsys, "generate", "the")
    assert "choose: must be" in refused(capsys, "generate", "--checkpoint", net, "the", "--choose", "best")
    (folder / "cut.safetensors").write_bytes(net.read_bytes()[:-9])
    assert "cut short" in refused(capsys, "generate", "--checkpoint", folder / "cut.safetensors", "the")
    assert not (folder / "new.safetensors").exists()


def test_without_torch_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("brainsim.networks.needs.find_spec", lambda name: None)
    assert (
        refused(capsys, "presets") == "brainsim: networks need torch and safetensors; pip install 'brainsim[torch]'\n"
    )
    assert "pip install 'brainsim[torch]'" in refused(capsys, "train", "text.txt", "--out", "net")
    assert "pip install 'brainsim[torch]'" in refused(capsys, "generate", "--preset", "geometric_tiny", "the")


def test_the_model_is_drawn_as_areas_and_fibers() -> None:
    brain = geometric_brain(GEOMETRIC_10M)
    assert {"Theta->Layer 1", "Layer 3->Layer 4", "Predictor->Theta"} <= {each.name for each in brain.fibers}
    assert brain["Theta"].n == 1024
    assert len(brain.draw().get_figure().axes) == 1


def started(folder: Path, out: Path, *more: object) -> subprocess.Popen[str]:
    """Start training in another process, which writes its file after every step."""
    command = ["lm", "train", folder / "text.txt", "--out", out, "--every", 1, "--batch", 2, "--length", 16, *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "brainsim", *map(str, command)], env=environment, stderr=subprocess.PIPE, text=True
    )


def wait_for(out: Path, training: subprocess.Popen[str]) -> None:
    """Wait until training has written its file, or has ended; this takes long on a busy machine."""
    until = time.monotonic() + 400
    while not out.exists() and training.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert out.exists()


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_complete_file(folder: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "net.safetensors", tmp_path / "whole.safetensors"
    steps = ("--steps", 40)
    for attempt in range(3):
        with started(folder, out, *(("--resume",) if out.exists() else steps)) as training:
            wait_for(out, training)
            time.sleep(0.3 * attempt)
            training.kill()
        assert 0 < load(out).done <= 40
    for path, more in ((out, ("--resume",)), (whole, steps)):
        with started(folder, path, *more) as training:
            _, err = training.communicate()
            assert training.returncode == 0, err
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_ctrl_c_ends_training_after_the_current_step_and_saves_it(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    with started(folder, out, "--steps", 100_000) as training:
        wait_for(out, training)
        training.send_signal(signal.SIGINT)
        _, err = training.communicate(timeout=200)
    assert training.returncode == 130, err
    done = re.search(r"interrupted after step (\d+); continue with", err)
    assert done, err
    assert load(out).done == int(done[1])


@pytest.mark.slow
def test_two_processes_train_the_same_network_as_one(folder: Path, tmp_path: Path) -> None:
    """With the launcher of PyTorch and gloo, the weights are those of one process, and one file is written."""
    command = ["lm", "train", folder / "text.txt", "--steps", 8, "--batch", 4, "--length", 16, "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    one = [sys.executable, "-m", "brainsim"]
    two = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "brainsim"]
    for name, launcher in (("one", one), ("two", two)):
        out = ["--out", tmp_path / f"{name}.safetensors"]
        done = subprocess.run(
            [*launcher, *map(str, [*command, *out])], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("wrote") == 1
    tensors = [load(tmp_path / f"{name}.safetensors").model().state_dict() for name in ("one", "two")]
    for name, each in tensors[0].items():
        torch.testing.assert_close(tensors[1][name], each, rtol=1e-3, atol=1e-4, msg=name)
