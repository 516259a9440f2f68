"""Classes of texts: by the nearest mean, and by naive Bayes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any


def nearest(means: Sequence[Any], asked: Sequence[Any]) -> float:
    """Return the share of items that are nearest to the mean of their own class, by the cosine; mean over classes."""
    import torch
    from torch.nn import functional

    directions = functional.normalize(torch.stack(list(means)).float(), dim=-1)
    shares = [float(((each.float() @ directions.T).argmax(-1) == own).float().mean()) for own, each in enumerate(asked)]
    return fmean(shares)


def counts_of(texts: Sequence[Sequence[int]], vocabulary: int) -> Any:
    """Return how often each token occurs in each text, float32, ``(N, vocabulary)``."""
    import torch

    return torch.stack([torch.bincount(torch.tensor(text), minlength=vocabulary) for text in texts]).float()


def bayes(train: Sequence[Any], test: Sequence[Any]) -> float:
    """Return the share of texts that a multinomial naive Bayes classifier routes right; mean over classes."""
    import torch

    likely = torch.stack([((each.sum(0) + 1) / (each.sum() + each.shape[1])).log() for each in train])
    return fmean(float(((each @ likely.T).argmax(-1) == own).float().mean()) for own, each in enumerate(test))
