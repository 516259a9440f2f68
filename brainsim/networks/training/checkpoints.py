"""A network on disk: one safetensors file with all that training continues from, without pickle.

The file holds the weights, both moments of AdamW, the state of the generator of batches and the losses as tensors; its
header contains preset, sizes, recipe and tokenizer as JSON.  It is written completely or not at all: if the process is
killed, the previous file remains.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from brainsim._files import whole
from brainsim.errors import BrainsimError, UnwrittenError
from brainsim.networks.presets import Preset, preset
from brainsim.networks.recipe import Recipe
from brainsim.networks.text import Tokenizer, tokenizer_from_json
from brainsim.networks.training.loop import Trainer
from brainsim.networks.training.plain import from_plain

T = TypeVar("T")

FORMAT = "brainsim network 1"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class CheckpointError(BrainsimError, ValueError):
    """The file does not contain a network, or contains another one."""


@dataclass(frozen=True)
class Checkpoint:
    """A network on disk.

    Attributes
    ----------
    path : Path
        The file.
    preset : Preset
        The preset of the network.
    config : object
        Its sizes: those of the preset, with any changes.
    tokenizer : Tokenizer
        The tokenizer of its text.
    recipe : Recipe
        How it is trained.
    done : int
        Steps that are done.
    text : str
        An identifier of the training text.
    """

    path: Path
    preset: Preset
    config: Any
    tokenizer: Tokenizer
    recipe: Recipe
    done: int
    text: str

    def model(self, device: str | torch.device = "cpu") -> nn.Module:
        """Return the network with its weights.

        Raises
        ------
        CheckpointError
            If the weights in the file are not those of its sizes.
        """
        model = self.preset.build(self.config, 0)
        with _opened(self.path) as file:
            wanted = {f"model/{name}": each for name, each in model.state_dict().items()}
            model.load_state_dict({name[6:]: _tensor(self.path, file, name, each) for name, each in wanted.items()})
        return model.to(device)

    def restore(self, trainer: Trainer) -> None:
        """Restore the state of a trainer of `model` and `recipe` from the file.

        Raises
        ------
        CheckpointError
            If the file does not contain the state of such a trainer.
        """
        with _opened(self.path) as file:
            losses = _tensor(self.path, file, "losses", torch.empty(self.done, dtype=torch.float64, device="meta"))
            generator = _tensor(self.path, file, "generator", trainer.generator.get_state())
            if self.done:
                for name, weight, state in _moments(trainer):
                    for moment in _MOMENTS:
                        like = torch.zeros(()) if moment == "step" else weight
                        state[moment] = _tensor(self.path, file, f"adamw/{moment}/{name}", like).to(weight.device)
            for number, change in enumerate(trainer.changes):
                if hasattr(change, "load_state_dict"):
                    prefix = f"change/{number}/"
                    names = [each for each in file.keys() if each.startswith(prefix)]  # noqa: SIM118
                    change.load_state_dict({each[len(prefix) :]: file.get_tensor(each) for each in names})
            _part(self.path, "generator", lambda: trainer.generator.set_state(generator))
        trainer.done, trainer.losses = self.done, losses.tolist()


def save(path: str | Path, trainer: Trainer, preset: Preset, tokenizer: Tokenizer, text: str = "") -> None:
    """Write a network and the state of its training.

    Parameters
    ----------
    path : str or Path
        The file; an existing one is replaced completely.
    trainer : Trainer
        The trainer of a model of the preset.  Its changes that have ``state_dict`` and ``load_state_dict`` are saved,
        too.
    preset : Preset
        The preset of the model.
    tokenizer : Tokenizer
        The tokenizer of its text.
    text : str
        An identifier of the text, so that training continues with the same text.

    Raises
    ------
    UnwrittenError
        If the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "preset": preset.name,
        "config": asdict(unwrapped(trainer.model).config),
        "recipe": asdict(trainer.recipe),
        "tokenizer": tokenizer.to_json(),
        "done": trainer.done,
        "text": text,
    }
    tensors = {name: each.detach().cpu().contiguous() for name, each in _tensors(trainer)}
    try:
        with whole(path) as partial:
            save_file(tensors, partial, metadata={"brainsim": json.dumps(header)})
    except (OSError, SafetensorError) as error:
        raise UnwrittenError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from None


def load(path: str | Path, name: str | None = None) -> Checkpoint:
    """Return the network in a file.

    Parameters
    ----------
    path : str or Path
        The file.
    name : str, optional
        The preset that the network must have.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is cut short or damaged, or is of another preset.
    """
    path = Path(path)
    with _opened(path) as file:
        header = _header(path, file)
        found = _part(path, "preset", lambda: preset(header["preset"]))
        if name is not None and found.name != name:
            raise CheckpointError(f"{path}: is a checkpoint of preset {found.name!r}, not {name!r}; leave --preset out")
        config = _part(path, "sizes", lambda: from_plain(type(found.config), header["config"]))
        recipe = _part(path, "recipe", lambda: from_plain(Recipe, header["recipe"]))
        tokenizer = _part(path, "tokenizer", lambda: tokenizer_from_json(header["tokenizer"]))
        _check_sizes(path, file, found, config, tokenizer)
    done = header.get("done")
    if type(done) is not int or not 0 <= done <= recipe.steps:
        raise CheckpointError(f"{path}: is damaged: {done!r} steps done of {recipe.steps}")
    return Checkpoint(path, found, config, tokenizer, recipe, done, str(header.get("text", "")))


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the model itself, without the wrapper for several processes."""
    inner: nn.Module = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    return inner


def _tensors(trainer: Trainer) -> Iterator[tuple[str, Tensor]]:
    for name, weight in unwrapped(trainer.model).state_dict().items():
        yield f"model/{name}", weight
    for name, _, state in _moments(trainer):
        for moment in _MOMENTS if trainer.done else ():
            yield f"adamw/{moment}/{name}", state[moment]
    yield "generator", trainer.generator.get_state()
    yield "losses", torch.tensor(trainer.losses, dtype=torch.float64)
    for number, change in enumerate(trainer.changes):
        for name, value in change.state_dict().items() if hasattr(change, "state_dict") else ():
            yield f"change/{number}/{name}", value


def _moments(trainer: Trainer) -> Iterator[tuple[str, Tensor, dict[str, Tensor]]]:
    """Yield name, weight and state in AdamW of each parameter that is trained."""
    for name, weight in unwrapped(trainer.model).named_parameters():
        if weight.requires_grad:
            yield name, weight, trainer.optimizer.state[weight]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise CheckpointError(f"{path}: is no checkpoint, or is damaged or cut short: {error}") from None
    except (OSError, ValueError) as error:  # a NUL byte in the path is a ValueError
        if isinstance(error, BrainsimError):
            raise
        raise CheckpointError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _header(path: Path, file: Any) -> Mapping[str, Any]:
    text = (file.metadata() or {}).get("brainsim", "")
    header = _part(path, "header", lambda: json.loads(text)) if text else None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"{path}: is no checkpoint of brainsim; `brainsim lm train` writes one")
    return header


def _part(path: Path, what: str, read: Callable[[], T]) -> T:
    """Return a part of the header; `CheckpointError` if it is not valid."""
    try:
        return read()
    except (BrainsimError, KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise CheckpointError(f"{path}: its {what} cannot be used: {error}") from None


def _check_sizes(path: Path, file: Any, preset: Preset, config: Any, tokenizer: Tokenizer) -> None:
    """Refuse weights that are not those of a model of these sizes, before there is memory for any."""
    held = {name for name in file.keys() if name.startswith("model/")}  # noqa: SIM118 - not a mapping
    if config.layers > len(held):  # a model of so many layers would take long to build, even without memory
        raise CheckpointError(f"{path}: holds {len(held)} tensors, too few for {config.layers} layers")
    if tokenizer.vocabulary > config.vocabulary:
        few = f"its model has {config.vocabulary} tokens, fewer than the {tokenizer.vocabulary} of its tokenizer"
        raise CheckpointError(f"{path}: {few}")
    with torch.device("meta"):
        wanted = _part(path, "sizes", lambda: preset.build(config, 0).state_dict())
    if differing := held ^ {f"model/{name}" for name in wanted}:
        raise CheckpointError(f"{path}: its weights are not those of {preset.name!r}: {min(differing)}")
    for name, like in wanted.items():
        _check(path, f"model/{name}", file.get_slice(f"model/{name}").get_shape(), like)


def _check(path: Path, name: str, shape: list[int], like: Tensor) -> None:
    if shape != list(like.shape):
        raise CheckpointError(f"{path}: {name} has the shape {shape}, where {list(like.shape)} belongs")


def _tensor(path: Path, file: Any, name: str, like: Tensor) -> Tensor:
    found: Tensor = file.get_tensor(name)
    _check(path, name, list(found.shape), like)
    if found.dtype != like.dtype or not bool(torch.isfinite(found).all()):
        raise CheckpointError(f"{path}: {name} holds {found.dtype} or numbers that are not finite, not {like.dtype}")
    return found
