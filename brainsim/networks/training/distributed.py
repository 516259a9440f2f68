"""Training in several processes, which PyTorch's own ``torchrun`` starts.

    torchrun --nproc_per_node 2 -m brainsim lm train text.txt --out net.safetensors

Each process computes the gradient of its share of every batch.  All draw the same batches from equal generators.  The
result is therefore that of one process, except for the order in which numbers are added, and a run can continue from a
checkpoint with any number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn

from brainsim.errors import DeclarationError
from brainsim.networks.training.loop import Batch, Trainer, plain_backward

Draw = Callable[[torch.Generator, int, int], Batch]


@dataclass(frozen=True)
class Group:
    """The processes that train one model; a single one is a group, too.

    Attributes
    ----------
    rank, size : int
        Number of this process, from 0, and how many there are.
    device : torch.device
        Of this process.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process reports and writes."""
        return self.rank == 0

    def wrapped(self, model: nn.Module) -> nn.Module:
        """Return the model on the device of this process, with gradients that are means over the processes."""
        model = model.to(self.device)
        if self.size == 1:
            return model
        own = [self.device.index] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=own)

    def share(self, draw: Draw) -> Draw:
        """Return a function that draws this process's share of each batch.

        Raises
        ------
        DeclarationError
            Raised by that function if a batch cannot be divided by the number of processes.
        """

        def drawn(generator: torch.Generator, batch: int, length: int) -> Batch:
            if batch % self.size:
                allowed = f"a multiple of the {self.size} processes"
                raise DeclarationError(where="Recipe.batch", value=batch, allowed=allowed)
            inputs, targets = draw(generator, batch, length)
            return inputs[self.rank :: self.size], targets[self.rank :: self.size]

        return drawn if self.size > 1 else draw

    def backward(self, trainer: Trainer, batch: Batch) -> float:
        """Compute the gradients of a share of a batch, and return the mean loss over the processes."""
        loss = plain_backward(trainer, batch)
        return self._sum(loss) / self.size if self.size > 1 else loss

    def any(self, asked: bool) -> bool:
        """Return whether any process requests something, such as to stop, which all must do after the same step."""
        return self._sum(float(asked)) > 0 if self.size > 1 else asked

    def _sum(self, value: float) -> float:
        total = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return float(total)


@contextmanager
def joined(device: str = "auto") -> Iterator[Group]:
    """Join the processes that ``torchrun`` started, if it started this one.

    Parameters
    ----------
    device : str
        ``"auto"``: a CUDA device if there is one; or PyTorch's name of a device.

    Raises
    ------
    DeclarationError
        If there is no such device.
    """
    size, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    chosen = device_of(device, local)
    if size == 1:
        yield Group(0, 1, chosen)
        return
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Group(distributed.get_rank(), distributed.get_world_size(), chosen)
    finally:
        distributed.destroy_process_group()


def device_of(name: str, local: int = 0) -> torch.device:
    """Return a device by its name; ``"auto"`` is the CUDA device number ``local`` if there is one."""
    cuda = torch.cuda.is_available()
    try:
        chosen = torch.device(("cuda" if cuda else "cpu") if name == "auto" else name)
        if chosen.type == "cuda" and chosen.index is None:
            chosen = torch.device("cuda", local)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:  # an AssertionError without CUDA
        allowed = "'auto', 'cpu'" + (", 'cuda'" if cuda else "; there is no CUDA device here")
        raise DeclarationError(where="device", value=name, allowed=allowed) from error
    return chosen
