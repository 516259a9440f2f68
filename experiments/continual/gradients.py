"""Operations learned by gradient: networks of equal memory, one operation after the other."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from brainsim.networks.operations import Operation
from brainsim.studies.parts import Part
from continual.shared import ordered

FEATURES, GRID = 64, 16
GOOD = 0.1  # normalised squared error; always answering the mean has 1


def trained(part: Part, arm: str, count: int, steps: int, seed: int) -> dict[str, float]:
    """Train one network on operations one after the other; return errors just after each and at the end."""
    import torch

    from brainsim.networks.continual import Continual

    del part
    torch.set_num_threads(1)
    tasks = _tasks(ordered(count, seed), seed)
    network = Continual(arm, FEATURES, count, seed=seed)  # type: ignore[arg-type]
    after = []
    for at, (inputs, targets) in enumerate(tasks):
        network.learn(at, inputs, targets, steps=steps, seed=seed)
        after.append(_outputs(network, inputs, at))
    final = [_outputs(network, inputs, at) for at, (inputs, _) in enumerate(tasks)]
    errors = {
        name: [float(((output - targets) ** 2).mean()) for output, (_, targets) in zip(each, tasks, strict=True)]
        for name, each in (("just_after", after), ("final", final))
    }
    return {
        **{name: fmean(each) for name, each in errors.items()},
        "forgotten": fmean(errors["final"]) - fmean(errors["just_after"]),
        "good_at_the_end": fmean(each < GOOD for each in errors["final"]),
        "same_bits": fmean(torch.equal(one, other) for one, other in zip(after, final, strict=True)),
        "numbers": float(network.held),
    }


def _outputs(network: Any, inputs: Any, task: int) -> Any:
    import torch

    with torch.no_grad():
        return network(inputs, task)


def _tasks(chosen: Sequence[Operation], seed: int) -> list[tuple[Any, Any]]:
    """Return fixed random features of the operands and standardised results of each operation, on a fine grid."""
    import torch

    mixing = 2.0 * torch.randn(3, FEATURES, generator=torch.Generator().manual_seed(seed))
    tasks = []
    for each in chosen:
        values = torch.from_numpy(each.grid(GRID)).flatten()
        levels = [torch.from_numpy(each.operands(name, GRID)) for name in ("a", "b")]
        points = torch.cartesian_prod(*(2 * (level - level[0]) / (level[-1] - level[0]) - 1 for level in levels))
        raw = torch.cat([points, torch.ones(len(points), 1, dtype=points.dtype)], dim=1).float()
        targets = ((values - values.mean()) / values.std(correction=0)).float()
        tasks.append((torch.tanh(raw @ mixing), targets))
    return tasks
