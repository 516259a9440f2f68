"""The settings that determine the result of a run, and its header."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainsim._version import __version__
from brainsim.errors import ExperimentError, RunFolderError
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.kernels.law.selection import TIES_VERSION
from brainsim.simulate import backends
from brainsim.studies import sealed_json, sources

HEADER = "run.json"
# Ties went to the lowest index before they had a version.
_BEFORE_VERSIONS = {"ties_version": 0}


@dataclass(frozen=True)
class Settings:
    """The settings that determine the result of a run; ``backend``, ``threads`` and ``jobs`` do not change it."""

    experiment: str
    source_sha256: str
    seed: int
    quick: bool
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    backend: str = "auto"
    threads: int | None = None
    jobs: int = 1

    @classmethod
    def of_file(cls, path: str | Path, **others: Any) -> Settings:
        """Return the settings of a run of an experiment file; the files that parameters name are hashed, too.

        Only a `Path` names a file; text is text.
        """
        return cls(str(path), sources.digest(path), inputs=hashes(others["parameters"]), **others)

    def decisive(self) -> dict[str, Any]:
        """Return the settings that a resumed run must share, as JSON data."""
        return {
            "source_sha256": self.source_sha256,
            "seed": self.seed,
            "quick": self.quick,
            "parameters": self.plain_parameters(),
            "inputs": dict(self.inputs),
            "graph_version": GRAPH_VERSION,
            "ties_version": TIES_VERSION,
            "brainsim_version": __version__,
        }

    def threads_of(self, jobs: int) -> int:
        """Return how many threads each of so many processes uses: as many as given, else its share of the cores."""
        backend = backends.resolve(self.backend)
        return (
            backends.thread_count(backend, self.threads)
            if jobs == 1
            else self.threads or max(1, backends.cores() // jobs)
        )

    def plain_parameters(self) -> dict[str, Any]:
        """Return the parameters as JSON data: files by their paths."""
        return {**self.parameters, **{name: str(path) for name, path in _paths(self.parameters).items()}}

    def check_same(self, folder: Path, header: Mapping[str, Any]) -> None:
        """Refuse to continue the run of a header that differs in what determines the result.

        Raises
        ------
        RunFolderError
            Naming what differs.
        """
        for name, value in self.decisive().items():
            if header[name] != value:
                known = {"source_sha256": sources.called(self.experiment), "inputs": "a file it reads"}
                changed = known.get(name) or f"{name} ({_differing(header[name], value)})"
                raise RunFolderError(f"--out {folder}: {changed} differs from the run to resume; start a new run")


def hashes(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return digests of the files that parameters name, by their paths; `ExperimentError` if one cannot be read."""
    return {str(value): _hash_of(name, value) for name, value in _paths(parameters).items()}


def _paths(parameters: Mapping[str, Any]) -> dict[str, Path]:
    return {name: value for name, value in parameters.items() if isinstance(value, Path)}


def _hash_of(name: str, path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is not a file")  # a device may never end
        return sha256(path)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise ExperimentError(
            f"--set {name}={path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error


def sha256(path: str | Path) -> str:
    """Return the digest of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _differing(before: Any, now: Any) -> str:
    """Return what differs; of two mappings only the items that do."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        names = [name for name in (*now, *before) if before.get(name) != now.get(name)]
        before, now = ({name: each.get(name) for name in dict.fromkeys(names)} for each in (before, now))
    return f"{before!r}, now {now!r}"


def read_header(folder: Path) -> dict[str, Any]:
    """Return the content of ``run.json`` in a folder.

    Raises
    ------
    RunFolderError
        If there is none, it is damaged, or it lacks something.
    """
    try:
        header = {**_BEFORE_VERSIONS, **sealed_json.read(folder / HEADER)}
        needed = ("source_sha256", "seed", "quick", "parameters", "inputs", "graph_version", "brainsim_version")
        for name in (*needed, "experiment", "command", "seconds"):
            header[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else getattr(error, "strerror", None) or error
        raise RunFolderError(f"--out {folder}: holds no run to resume ({HEADER}: {what})") from error
    return header
