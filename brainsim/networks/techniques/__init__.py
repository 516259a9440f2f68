"""Seven techniques of training, each a part of the loop that can be switched on alone: `trainer` puts them together."""

from brainsim.networks.techniques.loop import (
    BioGradient,
    GradientPruning,
    HebbianWarmup,
    ImportanceSampling,
    MicroBatches,
    Prefetch,
    ThetaUpdates,
    trainer,
)

__all__ = [
    "BioGradient",
    "GradientPruning",
    "HebbianWarmup",
    "ImportanceSampling",
    "MicroBatches",
    "Prefetch",
    "ThetaUpdates",
    "trainer",
]
