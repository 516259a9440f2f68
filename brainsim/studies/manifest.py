"""The files of a finished run: their digests show a later reader whether they have changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainsim.studies.folders import contents
from brainsim.studies.settings import HEADER, sha256

_SEALED = (".h5", ".hdf5")  # which hold a digest of their own


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 digests of the files in a run's folder, by name: metrics, tables and pictures."""
    files = [path for path in contents(folder) if path.is_file() and path.suffix not in _SEALED and path.name != HEADER]
    return {path.name: sha256(path) for path in sorted(files)}


def changed(folder: Path, header: Mapping[str, Any]) -> dict[str, str]:
    """Return the changes of the files of a finished run since it wrote them, by name.

    Runs of earlier versions noted no digests, so their files cannot be checked.
    """
    noted = header.get("files", {})
    found = {name: _verdict(folder / name, digest) for name, digest in noted.items()} if isinstance(noted, dict) else {}
    return {name: verdict for name, verdict in found.items() if verdict}


def _verdict(path: Path, digest: object) -> str:
    if not path.is_file():
        return "is missing"
    return "" if sha256(path) == digest else "is not what the run wrote"
