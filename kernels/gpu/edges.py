"""The edges of fibers that carry messages, on the device."""

from __future__ import annotations

import numpy as np

from brainsim.kernels.gpu.device import Device
from brainsim.kernels.gpu.messages import PURPOSE
from brainsim.kernels.vectors.parts import Message

_BY_ROW, _COSINE, _ONTO_SELF, _SYMMETRIC, _PRODUCT, _WITH_INPUT = 1, 2, 4, 8, 16, 32


def _flags(message: Message) -> int:
    rule = message.relaxing
    flags = {
        _BY_ROW: message.by_row,
        _COSINE: message.cosine,
        _ONTO_SELF: message.onto_self,
        _SYMMETRIC: message.edges.symmetric,
        _PRODUCT: rule is not None and rule.goal == "product",
        _WITH_INPUT: rule is not None and rule.goal == "input",
    }
    return sum(flag for flag, holds in flags.items() if holds)


class Edges:
    """What never changes of a fiber that carries messages, on the device."""

    def __init__(self, device: Device, message: Message) -> None:
        table = message.edges
        self.starts = device.upload(table.starts, PURPOSE)
        self.neighbours = device.upload(table.neighbours, PURPOSE)
        self.ids = device.upload(table.ids, PURPOSE)
        self.shares = device.upload(np.array([message.keep, message.anchor, *message.mix], np.float32), PURPOSE)
        self.flags = _flags(message)

    @property
    def nbytes(self) -> int:
        """Bytes allocated."""
        return self.starts.nbytes + self.neighbours.nbytes + self.ids.nbytes + self.shares.nbytes
