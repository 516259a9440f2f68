"""A model in one file: its declaration, what it has learned, and an unfinished training.

Attributes of the HDF5 file are those of all files of brainsim.  Datasets: ``cascade`` (JSON: the fields of `Cascade`,
the seed, and the version of this layout), ``words``, ``replies``, ``vectors``, ``weights`` and, if the rule takes one,
``input`` (float32), ``edges`` (int32), and the parameters of trained layers in ``network/<name>``.  An unfinished
training has ``training/state`` (JSON) and arrays in ``training``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from brainsim.errors import DumpError
from brainsim.models.cascade.design import Cascade
from brainsim.models.cascade.model import CascadeModel
from brainsim.models.cascade.vocabulary import Vocabulary
from brainsim.networks.needs import require_torch
from brainsim.simulate.hdf5.files import TEXT, create, names, opened, text
from brainsim.simulate.hdf5.texts import from_text, to_text

if TYPE_CHECKING:
    from brainsim.models.cascade.training import CascadeTraining

VERSION = 1
_TUPLES = ("mix", "rates")
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def write_model(path: str | Path, model: CascadeModel, training: CascadeTraining | None = None) -> None:
    """Write a model, and an unfinished training of it, to a file, completely or not at all.

    Raises
    ------
    DumpError
        If the path is not the path of a file, or the file cannot be written.
    """
    edges = model.edges
    about = {"version": VERSION, "seed": model.core.seed, "cascade": asdict(model.cascade)}
    shown = {"of": "emotional cascade", "words": len(model.vocabulary), "edges": len(edges.pairs)}
    with create(path) as file:
        file.attrs["about"] = json.dumps(shown)
        file.create_dataset("cascade", data=json.dumps(about, sort_keys=True), dtype=TEXT)
        for name, words in (("words", model.vocabulary.words), ("replies", model.replies)):
            file.create_dataset(name, data=[to_text(word) for word in words], dtype=TEXT, shape=(len(words),))
        file.create_dataset("vectors", data=model.core.vectors)
        file.create_dataset("edges", data=np.asarray(edges.pairs, np.int32))
        file.create_dataset("weights", data=edges.weights)
        if model.cascade.takes_input:
            file.create_dataset("input", data=edges.input)
        if model.core.network is not None:
            for name, values in model.core.network.state_dict().items():
                file.create_dataset(f"network/{name}", data=values.cpu().numpy())
        if training is not None:
            _write_training(file.create_group("training"), training)


def _write_training(group: h5py.Group, training: CascadeTraining) -> None:
    trainer = training.trainer
    state = {
        "recipe": asdict(training.recipe),
        "local": training.local,
        "held_out": training.held_out,
        "done": trainer.done,
        "seconds": trainer.seconds,
        "loss_before": training.loss_before,
        "digest": training.digest,
    }
    group.create_dataset("state", data=json.dumps(state, sort_keys=True), dtype=TEXT)
    group.create_dataset("losses", data=np.array(trainer.losses, np.float64))
    for number, moments in trainer.optimizer.state_dict()["state"].items():
        for name in _MOMENTS:
            group.create_dataset(f"{number}/{name}", data=moments[name].cpu().numpy())


def read_model(path: str | Path, **simulator: Any) -> CascadeModel:
    """Return the model in a file.

    Raises
    ------
    DumpError
        If the file cannot be read, is damaged, or holds no model.
    TorchMissingError
        If it has trained layers and PyTorch is not installed.
    """
    with opened(path) as file:
        about = _about(path, file)
        cascade = Cascade(**{name: _plain(name, value) for name, value in about["cascade"].items()})
        words, replies = (tuple(map(from_text, names(file[name]))) for name in ("words", "replies"))
        arrays = {name: file[name][()] for name in ("vectors", "edges", "weights", "input") if name in file}
        network = _arrays(file["network"]) if "network" in file else {}
    model = CascadeModel(
        cascade,
        Vocabulary(words),
        arrays["vectors"],
        edges=arrays["edges"],
        replies=replies,
        seed=about["seed"],
        **simulator,
    )
    model.edges.replace(arrays["weights"])
    if cascade.takes_input:
        model.edges.set_input(arrays["input"])
    if network:
        model.core.network = _network(path, model, network)
    return model


def _about(path: str | Path, file: h5py.File) -> dict[str, Any]:
    if "cascade" not in file:
        raise DumpError(f"{path}: holds no cascade; CascadeModel.save and brainsim feel --save write them")
    about: dict[str, Any] = json.loads(text(file["cascade"]))
    if about["version"] != VERSION:
        raise DumpError(f"{path}: must be a model of version {VERSION} (got {about['version']}); make it again")
    return about


def _plain(name: str, value: Any) -> Any:
    return tuple(value) if name in _TUPLES else value  # JSON stores tuples as lists


def _arrays(group: h5py.Group) -> dict[str, Any]:
    found: dict[str, Any] = {}
    group.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def _network(path: str | Path, model: CascadeModel, arrays: dict[str, Any]) -> Any:
    require_torch()
    import torch

    from brainsim.models.cascade.network import CascadeNetwork

    network = CascadeNetwork(model.cascade, model.core.vectors, model.core.maps, model.core.seed)
    own = network.state_dict()
    if {name: tuple(value.shape) for name, value in own.items()} != {n: v.shape for n, v in arrays.items()}:
        raise DumpError(f"{path}: is damaged: its trained layers have not the shapes of its cascade")
    network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    return network


def read_training(path: str | Path, texts: Iterable[str], **simulator: Any) -> CascadeTraining:
    """Return the training in a file; it continues on the same texts as if it had never stopped.

    Raises
    ------
    DumpError
        If the file cannot be read, is damaged, or contains no training, or one on other texts.
    """
    from brainsim.models.cascade.training import CascadeTraining
    from brainsim.networks.recipe import Recipe

    model = read_model(path, **simulator)
    with opened(path) as file:
        if "training" not in file:
            raise DumpError(f"{path}: holds a model without a training; CascadeTraining.save writes both")
        state = json.loads(text(file["training/state"]))
        losses = file["training/losses"][()].tolist()
        moments = _moments(file["training"])
    recipe = Recipe(**{**state["recipe"], "betas": tuple(state["recipe"]["betas"])})
    training = CascadeTraining(model, texts, recipe, held_out=state["held_out"], local=state["local"])
    if training.digest != state["digest"]:
        raise DumpError(f"{path}: holds the training on other texts; give those that it began with")
    trainer = training.trainer
    trainer.optimizer.load_state_dict({**trainer.optimizer.state_dict(), "state": moments})
    trainer.done, trainer.losses, trainer.seconds = state["done"], losses, state["seconds"]
    training.loss_before = state["loss_before"]
    return training


def _moments(group: h5py.Group) -> dict[int, dict[str, Any]]:
    """Return the state of the optimizer by the number of the parameter; none before the first step."""
    import torch

    numbers = [name for name in group if name.isdigit()]
    return {int(n): {name: torch.from_numpy(np.array(group[f"{n}/{name}"])) for name in _MOMENTS} for n in numbers}
