"""Calls on a Dask cluster: as in worker processes, but a scheduler distributes them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import cloudpickle

from brainsim._version import __version__
from brainsim.errors import ExperimentError, WorkerError
from brainsim.studies.processes.calls import Call, Done, Failed, Watch
from brainsim.studies.processes.completion import Registry, outcome
from brainsim.studies.processes.modules import find_again
from brainsim.studies.processes.worker import Answer, Surroundings, answered
from brainsim.studies.processes.workers import opened, surroundings

_PATIENCE_SECONDS = 10
_alone = threading.Lock()


def completed_by(address: str, calls: Sequence[Call], *, watch: Watch | None = None) -> Generator[Done | Failed]:
    """Carry out calls on the workers of a Dask cluster; yield their results or errors in order of completion.

    A worker carries out one call at a time.  Dask gives the call of a worker that dies to another one, a few times.
    Steps that calls report do not arrive.  When the iterator is closed, waiting calls are cancelled; running ones
    continue, because Dask cannot end them.

    Parameters
    ----------
    address : str
        Address of the scheduler, such as ``tcp://127.0.0.1:8786``.
    calls : sequence of Call
        What to do.
    watch : Watch, optional
        Is informed of deaths.

    Yields
    ------
    Done or Failed
        As `brainsim.studies.processes.completion.completed` does.

    Raises
    ------
    ExperimentError
        If Dask is not installed.
    WorkerError
        If the cluster cannot be reached, disappears or has no workers, or if these have another version of brainsim.
    """
    client: Any = _connected(address)
    try:
        yield from _results(client, address, calls, Watch() if watch is None else watch)
    finally:
        with suppress(Exception):  # the cluster may be gone
            client.close(timeout=_PATIENCE_SECONDS)


async def _reach(address: str) -> None:
    from distributed import Security
    from distributed.comm.core import connect

    options: dict[str, Any] = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
    comm = await connect(address, timeout=_PATIENCE_SECONDS, **options)  # type: ignore[no-untyped-call]
    await comm.close()


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise ExperimentError("dask: is not installed; pip install 'brainsim[dask]'") from None
    where = f"dask {address}"
    try:
        # The connection is tested first: a Client that finds no scheduler is never closed, and blocks Python when it is
        # collected.
        with ThreadPoolExecutor(1) as apart:  # this thread may have a loop, as in a notebook
            apart.submit(asyncio.run, _reach(address)).result()
        client: Any = Client(  # type: ignore[no-untyped-call]
            address, timeout=_PATIENCE_SECONDS, set_as_default=False
        )
    except (OSError, ValueError, TypeError) as error:
        raise WorkerError(
            f"{where}: no scheduler answers ({_short(error)}); start one with `dask scheduler`, and give its address"
        ) from None
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_SECONDS)
        versions = set(client.run(_version).values())
    except TimeoutError:
        client.close()
        raise WorkerError(f"{where}: has no workers; start some with `dask worker {address} --nthreads 1`") from None
    except Exception as error:  # whatever importing brainsim there may raise
        client.close()
        raise WorkerError(f"{where}: its workers cannot run brainsim ({_short(error)}); install it there") from None
    if versions != {__version__}:
        client.close()
        theirs = ", ".join(sorted(versions))
        raise WorkerError(f"{where}: its workers must have brainsim {__version__} (got {theirs}); install it there")
    return client


def _results(client: Any, address: str, calls: Sequence[Call], watch: Watch) -> Generator[Done | Failed]:
    registry: Registry = {}
    killed: list[int] = []
    contents: dict[int, bytes] = {}
    for index, call in enumerate(calls):
        try:
            contents[index] = cloudpickle.dumps(call)
        except Exception as error:  # whatever pickling may raise
            yield Failed(index, ExperimentError(f"call {index}: cannot be sent to another process ({error})"))
    for index, answer in _answers(client, address, contents):
        if answer is None:
            killed.append(index)
        else:
            yield outcome(index, answer, registry)
    for index in killed:
        yield from _alone_again(client, address, index, contents[index], registry, watch)


def _alone_again(
    client: Any, address: str, index: int, content: bytes, registry: Registry, watch: Watch
) -> Generator[Done | Failed]:
    """Try a call once more by itself: if a worker dies, Dask blames all calls that wait there."""
    watch.died(index, "Dask worker")
    for _, answer in _answers(client, address, {index: content}):
        if answer is None:
            cure = "if memory is short, use fewer workers or smaller areas"
            yield Failed(index, WorkerError(f"call {index}: several Dask workers died in it; {cure}"))
        else:
            yield outcome(index, answer, registry)


def _answers(client: Any, address: str, contents: Mapping[int, bytes]) -> Iterator[tuple[int, Answer | None]]:
    """Yield the answers to calls as they come, ``None`` where workers died."""
    from distributed import KilledWorker, as_completed

    around = surroundings()  # sent with each call: scattered data is lost when its worker dies
    futures = {client.submit(_perform, content, around, pure=False): index for index, content in contents.items()}
    for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
        try:
            yield futures[future], opened(future.result())
        except KilledWorker:
            yield futures[future], None
        except CancelledError:
            raise WorkerError(f"dask {address}: the cluster is gone; start it again, and continue the sweep") from None
        except Exception as error:  # raised outside the call
            failure = WorkerError(f"call {futures[future]}: could not be carried out ({_short(error)})")
            yield futures[future], Answer(None, failure)
        future.release()


def _version() -> str:
    return __version__


def _perform(content: bytes, around: Surroundings) -> bytes:
    """Carry out a call in a Dask worker, one at a time in a process: catching warnings is not safe in threads."""
    find_again(around.files)
    with _alone:
        return answered(content, around, _unheard)


def _unheard(steps: int) -> None:
    del steps


def _short(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
