"""Marks for tests that need a CUDA device."""

from __future__ import annotations

import pytest

from brainsim.kernels.gpu import cuda_device

NEEDS_GPU = (pytest.mark.gpu, pytest.mark.skipif(bool(cuda_device.why_not()), reason=str(cuda_device.why_not())))
