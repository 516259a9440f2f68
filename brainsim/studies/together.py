"""``mpiexec brainsim run``: all processes run the experiment, and the first one writes its folder."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brainsim.errors import ExperimentError
from brainsim.simulate.company import Company, run_together

_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""How MPICH (and those derived from it), Open MPI and MVAPICH say how many processes they have started."""

_SEGMENT = re.compile(r"\.\d+-\d+\.h5$")
"""How the names of recordings that are not finished end; see `brainsim.studies.lasting`."""


def refuse_mpi(command: str) -> None:
    """Refuse a command that each of the processes of ``mpiexec`` would carry out by itself.

    Raises
    ------
    ExperimentError
        If ``mpiexec`` has started several processes.
    """
    if _several():
        raise ExperimentError(
            f"brainsim {command}: runs many brains, each in one process; leave mpiexec out (for a cluster, give --dask)"
        )


def _several() -> bool:
    return any(os.environ.get(name, "1") not in ("", "1") for name in _SIZES)


def company() -> Company | None:
    """Return the processes that ``mpiexec`` has started with this one, ``None`` if there are no others.

    Raises
    ------
    ExperimentError
        If mpi4py is not installed.
    """
    if not _several():
        return None
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # RuntimeError: it finds no MPI library
        raise ExperimentError(
            f"mpiexec: mpi4py does not run here ({error}); pip install 'brainsim[mpi]' mpich, or leave mpiexec out"
        ) from None
    if MPI.COMM_WORLD.size == 1:
        raise ExperimentError(
            "mpiexec: has started several processes, and mpi4py sees one: they are of different MPI libraries; "
            "use the mpiexec of the library that mpi4py was built for"
        )
    return run_together(MPI.COMM_WORLD)


@contextmanager
def own_folder(ranks: Company, out: Path | None, *, copies: bool) -> Iterator[Path | None]:
    """Give the first rank the folder of the run, and every other one a scratch folder; these print nothing.

    With ``copies``, the scratch folders begin as copies of the folder, to continue from.
    """
    if ranks.rank == 0:
        ranks.meet()
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="brainsim-rank-") as scratch, _quiet():
        mine = Path(scratch) / "run"
        if copies and out is not None:
            shutil.copytree(out, mine, copy_function=_copy)
        ranks.meet()
        yield mine


def _copy(source: str, target: str) -> None:
    """Copy a file of a run; of a checkpoint, which may be large, only its name, since the first rank reads it."""
    if Path(source).parent.name == "parts" and source.endswith(".h5") and not _SEGMENT.search(source):
        Path(target).touch()
    else:
        shutil.copy2(source, target)


@contextmanager
def _quiet() -> Iterator[None]:
    with open(os.devnull, "w") as nothing:
        before, sys.stdout = sys.stdout, nothing
        try:
            yield
        finally:
            sys.stdout = before
