"""`CupyDevice` on a stand-in for CuPy, and the reasons why there is no device."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from brainsim import Simulator
from brainsim.errors import BackendError
from brainsim.kernels.gpu import cuda_device, source
from brainsim.kernels.gpu.backend import GpuBackend
from brainsim.kernels.gpu.cuda_device import CupyDevice
from brainsim.kernels.program import Options
from brainsim.kernels.reference import ReferenceBackend
from brainsim.studies.info import describe
from emulator import fake_cupy
from gpus import small_brain
from scenarios import Scenario, excitable, settled, trace
from watching import against_the_reference


def test_a_changed_header_is_compiled_again(tmp_path: Path) -> None:
    """CuPy caches compiled kernels by source and options, so the options must depend on included headers."""
    for path in source.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = source.compile_options(tmp_path)
    assert before[2:] == source.OPTIONS[2:]
    (tmp_path / "types.cuh").write_text((tmp_path / "types.cuh").read_text() + "\n")
    assert source.compile_options(tmp_path)[:2] == before[:2]
    assert source.compile_options(tmp_path)[2:] != before[2:]


class TestCupy:
    """Simulations on a stand-in for CuPy, and errors where there is no device."""

    @pytest.fixture
    def cupy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
        cuda_device.why_not.cache_clear()

    @pytest.fixture(autouse=True)
    def _forget(self) -> Any:
        yield
        if hasattr(cuda_device.why_not, "cache_clear"):
            cuda_device.why_not.cache_clear()

    @pytest.mark.parametrize("case", [settled(200, rounds=12), excitable(304)], ids=["settled", "excitable"])
    def test_cupy_agrees_with_the_reference(self, case: Scenario, cupy: None) -> None:
        backend_class = type("OnCupy", (GpuBackend,), {"device": staticmethod(CupyDevice)})
        assert trace(backend_class, case, Options()) == trace(ReferenceBackend, case, Options())

    def test_traces_on_cupy_agree_with_the_reference(self, cupy: None) -> None:
        backend_class = type("OnCupy", (GpuBackend,), {"device": staticmethod(CupyDevice)})
        assert not against_the_reference(backend_class, "traces", 0)

    def test_a_gpu_is_chosen_automatically(self, cupy: None) -> None:
        brain, stimulus = small_brain()
        with Simulator(brain) as sim:
            assert sim.backend_name == "gpu"
            sim.present(stimulus)
            sim.run(brain.fibers, rounds=2)
            assert len(sim.assembly("A")) == 40
            assert sim.timings()["project"] > 0
        assert describe()["auto"] == "gpu"
        about = describe()["gpu"]
        assert (about["device"], about["driver"], about["cuda"], about["cupy"]) == (
            "Fake H100",
            "13.0",
            "12.9",
            "14.2.0",
        )

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"failure": "cudaErrorNoDevice: no CUDA-capable device is detected"}, "no CUDA-capable device"),
            ({"devices": 0}, "CUDA finds no device"),
            ({"compiler": "CuPy failed to load libnvrtc.so.12"}, "finds no compiler .*libnvrtc"),
            ({"capability": "61"}, "compute capability 6.1; 7.5 is the oldest"),
        ],
    )
    def test_the_reason_for_a_missing_device_is_given(
        self, options: Any, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module(**options))
        cuda_device.why_not.cache_clear()
        assert re.search(reason, str(describe()["backends"]["gpu"]))
        assert describe()["gpu"] is None
        with pytest.raises(BackendError, match=reason):
            Simulator(small_brain()[0], backend="gpu")

    def test_without_cupy_the_extras_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cupy", None)
        cuda_device.why_not.cache_clear()
        with pytest.raises(BackendError, match=r"CuPy cannot be imported .* pip install brainsim\[cuda12\]"):
            Simulator(small_brain()[0], backend="gpu")
