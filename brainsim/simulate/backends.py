"""Choice of a backend: which exist, which run here, and why the others do not."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from brainsim._validation import integer
from brainsim.errors import BackendError, BackendMemoryError, unknown
from brainsim.kernels.backend import Backend
from brainsim.kernels.program import Options, Program, check_capacity, check_parts
from brainsim.simulate.company import ALONE, Company
from brainsim.simulate.engine import named_errors

CLASSES = {
    "reference": "brainsim.kernels.reference:ReferenceBackend",
    "cpu": "brainsim.kernels.cpu.backend:CpuBackend",
    "gpu": "brainsim.kernels.gpu.backend:GpuBackend",
}
"""The backends by name: module and class.  A module is imported when its backend is used."""

_maker: ContextVar[Callable[[Program], Backend] | None] = ContextVar("brainsim_backend", default=None)
_FASTEST_FIRST = ("gpu", "cpu", "reference")
_NO_COMPILER = "NUMBA_DISABLE_JIT switches its compiler off; unset it, or choose backend='reference', which is slower"


def unavailable(name: str) -> str | None:
    """Return why a backend cannot run on this machine, or ``None`` if it can."""
    if name == "gpu":
        from brainsim.kernels.gpu import cuda_device

        return cuda_device.why_not()
    if name == "cpu" and importlib.util.find_spec("numba") is None:
        return "Numba is not installed; pip install numba"
    if name == "cpu" and os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return _NO_COMPILER
    return None


def resolve(name: str) -> str:
    """Return the backend for ``name`` on this machine; ``"auto"`` is the fastest that runs.

    A compiler that is switched off is an error; a slower backend is never chosen silently.

    Raises
    ------
    BackendError
        If there is no such backend, or it cannot run here.
    """
    if not isinstance(name, str):
        raise BackendError(f"Simulator.backend: must be one of {', '.join(('auto', *CLASSES))} (got {name!r})")
    if name == "auto":
        name = next(choice for choice in _FASTEST_FIRST if unavailable(choice) in (None, _NO_COMPILER))
    if name not in CLASSES:
        raise BackendError(f"Simulator.backend: {unknown('backend', name, ('auto', *CLASSES))}")
    reason = unavailable(name)
    if reason is not None:
        raise BackendError(f"Simulator.backend: {name!r} does not run here: {reason}")
    return name


def cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_threads() -> int:
    """Return the default number of threads of a simulator: all cores, or the share of this process.

    joblib and batch schedulers state the share in ``NUMBA_NUM_THREADS``.
    """
    share = os.environ.get("NUMBA_NUM_THREADS", "")
    return min(cores(), max(1, int(share))) if share.isdigit() else cores()


def thread_count(name: str, threads: int | None, company: Company = ALONE) -> int:
    """Return the threads a backend uses: those asked for, else the default (1 for the reference).

    The ranks on one machine share its cores.
    """
    if threads is not None:
        return integer("Simulator.threads", threads, 1, None)
    return max(1, default_threads() // company.neighbours) if name == "cpu" else 1


def create(name: str, program: Program, options: Options, company: Company = ALONE) -> Backend:
    """Build the backend called ``name`` (already resolved) for a brain, or for the share of this rank in it.

    Raises
    ------
    BackendError
        If the brain or the options are more than the backend can handle.
    """
    try:
        with named_errors():
            backend = class_of(name)
            check_parts(program, name, backend.parts)
            check_capacity(program)
            make = _maker.get()
            if make is not None:
                return make(program)
            if company.comm is None:
                return backend(program, options)
            from brainsim.kernels.ranks import RankBackend
            from brainsim.kernels.runners import runner_of

            return RankBackend(program, options, company.comm, runner_of(backend, company.place))
    except BackendMemoryError:
        raise
    except MemoryError as error:
        neurons = sum(area.n for area in program.areas)
        raise BackendMemoryError(
            f"not enough memory for {neurons:_} neurons ({error}); lower n, or share the brain among machines: "
            "mpiexec -n 4 brainsim run FILE"
        ) from error


@contextmanager
def built_by(make: Callable[[Program], Backend]) -> Iterator[None]:
    """Let simulators that are built inside the block have the backends that a function returns."""
    token = _maker.set(make)
    try:
        yield
    finally:
        _maker.reset(token)


def class_of(name: str) -> type[Backend]:
    """Return the class of a backend, already resolved."""
    module, _, attribute = CLASSES[name].partition(":")
    try:
        backend: type[Backend] = getattr(importlib.import_module(module), attribute)
    except (ImportError, ValueError) as error:  # ValueError: a setting that Numba refuses
        raise BackendError(f"Simulator.backend: {name!r} does not run here: it cannot be imported ({error})") from error
    return backend
