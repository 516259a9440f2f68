"""The status of the run in a folder, and whether it can be continued."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainsim._version import __version__
from brainsim.errors import RunFolderError
from brainsim.kernels.law.graph import GRAPH_VERSION
from brainsim.kernels.law.selection import TIES_VERSION
from brainsim.studies import sealed_json, sources
from brainsim.studies.folders import in_use
from brainsim.studies.settings import HEADER, read_header, sha256
from brainsim.studies.sweeping import folder as sweep_folder


@dataclass(frozen=True)
class Standing:
    """The status of a run.

    Attributes
    ----------
    status : str
        ``finished``, ``interrupted``, ``terminated`` or ``failed``, as ``run.json`` says; ``running`` while a process
        holds the folder; ``killed`` if the process ended without a word.
    resume : str or None
        The command that continues it, ``None`` if it is finished, is running or cannot be continued.
    hindrance : str or None
        Why it cannot be continued.
    """

    status: str
    resume: str | None
    hindrance: str | None


def header_of(folder: Path) -> dict[str, Any]:
    """Return the content of ``run.json``.

    Raises
    ------
    RunFolderError
        If it cannot be read, or lacks something.
    """
    with _damage(folder, HEADER):
        return read_header(folder)


def sweep_header_of(folder: Path) -> dict[str, Any]:
    """Return the content of ``sweep.json``.

    Raises
    ------
    RunFolderError
        If it cannot be read, or lacks something.
    """
    with _damage(folder, sweep_folder.HEADER):
        return sweep_folder.read(folder)


@contextmanager
def _damage(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except RunFolderError as error:
        cause = error.__cause__ or error
        said = f"lacks {cause}" if isinstance(cause, KeyError) else str(cause)
        raise RunFolderError(f"{folder}: {name} is damaged ({said})") from error


def standing(folder: Path, *, sweep: bool = False) -> Standing:
    """Return the status of the run or sweep in a folder, without running the experiment.

    Raises
    ------
    RunFolderError
        If its header cannot be read.
    """
    header = sweep_header_of(folder) if sweep else header_of(folder)
    status = str(header.get("status", "finished"))
    if in_use(folder):
        return Standing("running", None, "a process is running it")
    status = "killed" if status == "running" else status
    if status == "finished":
        return Standing(status, None, None)
    hindrance = next(_hindrances(header), None)
    if sweep and sweep_folder.of_function(header):
        return Standing(status, None, sweep_folder.OF_FUNCTION)
    command = f"brainsim {'sweep' if sweep else 'run'} --resume --out {shlex.quote(str(folder))}"
    return Standing(status, None if hindrance else command, hindrance)


def _hindrances(header: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changes since a run began that prevent the same result."""
    here = {"graph_version": GRAPH_VERSION, "ties_version": TIES_VERSION, "brainsim_version": __version__}
    for name, version in here.items():
        if header[name] != version:
            yield f"{name} is {header[name]} in the run, and {version} here"
    experiment = header["experiment"]
    yield from _changed(experiment, header["source_sha256"], sources.called(experiment), sources.digest)
    for path, digest in header["inputs"].items():
        yield from _changed(path, digest, "a file that it reads", sha256)


def _changed(path: str, digest: str, what: str, digest_of: Callable[[str], str]) -> Iterator[str]:
    try:
        if digest_of(path) != digest:
            yield f"{what}, {path}, has changed since"
    except OSError as error:
        yield f"{what}, {path}, cannot be read from here ({error.strerror})"


def metrics_of(folder: Path) -> dict[str, Any] | None:
    """Return the metrics of a run, ``None`` if there are none yet.

    Raises
    ------
    RunFolderError
        If they are damaged.
    """
    path = folder / "metrics.json"
    try:
        found = sealed_json.load(path)
        if not isinstance(found, dict):
            raise TypeError("no mapping")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise RunFolderError(f"{folder}: metrics.json is damaged ({error})") from error
    return found
