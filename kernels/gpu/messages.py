"""Launches of kernels that work for many areas and fibers with vectors at once: one launch for each phase of a round.

The brains of a batch lie side by side in one program, so the launches of a round do not depend on how many they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brainsim.kernels.gpu.arrays import Array, Record, record
from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.layout import F32, F64, I32, I64, MESSAGE, MESSAGES, U32

PURPOSE = "vectors"
_MOST_KEPT = 16

Values = npt.NDArray[np.generic]


class Job(NamedTuple):
    """What a kernel does for one fiber or area: so many thread blocks, and fields of `Message` in `types.cuh`.

    Arrays of the host among the fields are copied to the device; one that stands in several jobs is copied once.
    """

    blocks: int
    fields: Mapping[str, Array | Values | int]


class Phase(NamedTuple):
    """Jobs that do not depend on one another, and the kernel that does them; ``number`` is as in `Device.prepare`."""

    kernel: str
    jobs: Sequence[Job]
    number: int | None = None


class Messages:
    """Launches phases.

    What jobs bring along is sent in one copy, and the table of all jobs in another one.  A table is kept, because
    rounds recur; tables of the same bytes name the same arrays, and say the same of them.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._none = {kind: device.zeros(1, kind, PURPOSE) for kind in (F32, F64, I32, I64, U32)}
        self._kept: dict[bytes, Array] = {}

    def launch(self, phases: Sequence[Phase]) -> None:
        """Launch the kernels of some phases, one after the other; one that has nothing to do is not launched."""
        filled = [each._replace(jobs=[job for job in each.jobs if job.blocks]) for each in phases]
        filled = [each for each in filled if each.jobs]
        there = self._sent([job for each in filled for job in each.jobs])
        records = [[self._record(job, there) for job in each.jobs] for each in filled]
        firsts = [np.cumsum([0, *(job.blocks for job in each.jobs)]) for each in filled]
        tables = [_table(each, first[:-1]) for each, first in zip(records, firsts, strict=True)]
        for phase, first, table in zip(filled, firsts, self._parts(tables), strict=True):
            messages = record(MESSAGES, items=table, count=table.size)
            self._device.launch(self._device.prepare(phase.kernel, int(first[-1]), [messages], number=phase.number))

    def _sent(self, jobs: Sequence[Job]) -> dict[int, Array]:
        """Copy the arrays of the host to the device; return where each is, by its identity."""
        values = {id(each): each for job in jobs for each in job.fields.values() if isinstance(each, np.ndarray)}
        return dict(zip(values, self._device.upload_all(list(values.values()), PURPOSE), strict=True)) if values else {}

    def _record(self, job: Job, there: Mapping[int, Array]) -> Record:
        """Return a message in which what a kernel does not use is empty."""
        unused = {name: 0 if items is None else self._none[items] for name, items in MESSAGE.fields.items()}
        given = {name: there[id(each)] if isinstance(each, np.ndarray) else each for name, each in job.fields.items()}
        return record(MESSAGE, **{**unused, **given})

    def _parts(self, tables: Sequence[Values]) -> list[Array]:
        """Return tables on the device, which lie side by side in one array."""
        if not tables:
            return []
        whole = np.concatenate(tables)
        if (kept := self._kept.get(whole.tobytes())) is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            kept = self._kept[whole.tobytes()] = self._device.upload(whole, PURPOSE)
        size, ends = MESSAGE.dtype.itemsize, np.cumsum([len(table) for table in tables]).tolist()
        return [
            kept.part((end - len(table)) * size, len(table), MESSAGE.dtype)
            for end, table in zip(ends, tables, strict=True)
        ]

    @property
    def nbytes(self) -> int:
        """Bytes allocated for tables."""
        return sum(each.nbytes for each in self._kept.values())

    def close(self) -> None:
        """Forget all arrays."""
        self._kept.clear()
        self._none.clear()


def _table(records: Sequence[Record], first_blocks: Values) -> Values:
    table = np.concatenate([each.value for each in records])
    table["first_block"] = first_blocks
    return table
