"""Structures, constants and parameters of kernels are equal in Python and in CUDA C."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainsim.kernels.gpu import layout
from brainsim.kernels.gpu.arrays import record
from brainsim.kernels.gpu.layout import ITEMS, RING, STRUCTURES, DType, Structure
from brainsim.kernels.gpu.ring import Ring, Wanted
from brainsim.kernels.gpu.source import FOLDER, KERNELS, UNITS, source_of
from brainsim.kernels.law.graph import BLOCK_STEP, FINE, GOLDEN
from brainsim.kernels.law.rules import RATE_BITS
from brainsim.kernels.law.selection import TAG_STREAM
from brainsim.kernels.law.taper import POSITION_BITS, TAPER_BITS
from brainsim.kernels.law.weights import ONE, THRESHOLD_LIMIT, WEIGHT_BITS
from emulator.build import build, kernels_source
from emulator.device import EmulatedDevice

HEADERS = "".join((FOLDER / name).read_text() for name in ("types.cuh", "connectome.cuh", "ties.cuh"))
SAME = """
template <class A, class B> constexpr bool same = false;
template <class A> constexpr bool same<A, A> = true;
template <class T> struct Bare { using type = T; };
template <class T> struct Bare<const T*> { using type = T*; };
"""


def field_checks(structure: str, fields: dict[str, str], dtype: DType) -> list[str]:
    """Return C++ that compiles if a structure has these fields, of these types, where the host puts them."""
    checks = [f"static_assert(sizeof({structure}) == {dtype.itemsize});"]
    for name, kind in fields.items():
        assert dtype.fields is not None
        checks.append(f"static_assert(same<typename Bare<decltype({structure}::{name})>::type, {kind}>);")
        checks.append(f"static_assert(__builtin_offsetof({structure}, {name}) == {dtype.fields[name][1]});")
    return checks


def item_checks(name: str, dtype: DType) -> list[str]:
    kinds = {np.dtype(np.int64): "i64", np.dtype(np.uint64): "u64", np.dtype(np.float64): "f64"}
    return field_checks(name, {field: kinds[dtype[field]] for field in dtype.names or ()}, dtype)


def structure_checks(structure: Structure) -> list[str]:
    named = {**ITEMS, **{each.name: each.dtype for each in STRUCTURES}}
    pointers = {id(dtype): f"{name}*" for name, dtype in named.items()}
    fields = {name: "i64" if items is None else pointers[id(items)] for name, items in structure.fields.items()}
    return field_checks(structure.name, fields, structure.dtype)


def kernel_checks() -> list[str]:
    parameters = {
        name: [*(each.name for each in kernel.structures), *["i64"] * kernel.numbered]
        for name, kernel in KERNELS.items()
    }
    return [f"static_assert(same<decltype({name}), void({', '.join(kinds)})>);" for name, kinds in parameters.items()]


def compiled(checks: list[str]) -> None:
    build("\n".join([kernels_source(), SAME, *checks]))


def test_structures_and_parameters_are_equal_in_python_and_cuda() -> None:
    items = [check for name, dtype in ITEMS.items() if dtype.names for check in item_checks(name, dtype)]
    compiled([*items, *(check for each in STRUCTURES for check in structure_checks(each)), *kernel_checks()])


def test_all_structures_and_kernels_are_compared() -> None:
    declared = set(re.findall(r"struct (\w+) \{", (FOLDER / "types.cuh").read_text()))
    assert declared == {name for name, dtype in ITEMS.items() if dtype.names} | {each.name for each in STRUCTURES}
    for unit in UNITS:
        assert source_of(unit).count("__global__") == sum(kernel.unit == unit for kernel in KERNELS.values())


@pytest.mark.parametrize(
    "checks",
    [
        item_checks("GatherJob", np.dtype([("first_item", np.int64), ("fiber", np.int64), ("items", np.int64)])),
        item_checks("GatherJob", np.dtype([("fiber", np.int64), ("first_item", np.int64), ("items", np.uint64)])),
        item_checks("GatherJob", np.dtype([("fiber", np.int64), ("first_item", np.int64)])),
        structure_checks(replace(RING, fields={**RING.fields, "items": layout.I32})),
        structure_checks(replace(RING, fields={**RING.fields, "items": None})),
        ["static_assert(same<decltype(commit), void(Round, State)>);"],
        ["static_assert(same<decltype(record), void(State, Ring)>);"],
    ],
    ids=["order", "sign", "length", "items", "number", "parameters", "no number"],
)
def test_differences_between_python_and_cuda_are_found(checks: list[str]) -> None:
    with pytest.raises(AssertionError, match="static assertion failed"):
        compiled(checks)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GOLDEN", GOLDEN),
        ("BLOCK_STEP", BLOCK_STEP),
        ("FINE_LOW", FINE[0]),
        ("FINE_HIGH", FINE[1]),
        ("TAG_STREAM", TAG_STREAM),
        ("TAPER_BITS", TAPER_BITS),
        ("POSITION_BITS", POSITION_BITS),
        ("ONE", ONE),
        ("WEIGHT_BITS", WEIGHT_BITS),
        ("RATE_BITS", RATE_BITS),
        ("THRESHOLD_LIMIT", THRESHOLD_LIMIT),
        ("PAGE", layout.PAGE),
        ("DIGIT_BITS", layout.DIGIT_BITS),
        ("THREADS", layout.THREADS),
    ],
)
def test_constants_are_equal_in_python_and_cuda(name: str, value: int) -> None:
    (text,) = re.findall(rf"constexpr \w+ {name} = ([^;]+);", HEADERS)
    assert eval(text.removesuffix("ull"), {"i64": int}) == value


LISTS = Structure("Lists", {"jobs": layout.RECORD_JOB, "items": layout.U32})


class TestRecordsAreChecked:
    """Each address in a structure must be that of an array with the declared type of items."""

    @pytest.fixture
    def device(self) -> EmulatedDevice:
        return EmulatedDevice()

    def test_a_record_has_the_addresses_of_its_arrays(self, device: EmulatedDevice) -> None:
        jobs, items = device.empty(2, layout.RECORD_JOB, "a test"), device.empty(4, np.uint32, "a test")
        given = record(LISTS, jobs=jobs, items=items)
        assert given.value.tolist() == [(jobs.address, items.address)]
        assert given.nbytes == 2 * layout.RECORD_JOB.itemsize + 16

    @pytest.mark.parametrize("wrong", [np.uint64(1), 7, np.zeros(4, np.uint32)])
    def test_values_that_are_no_arrays_are_refused(self, device: EmulatedDevice, wrong: Any) -> None:
        jobs = device.empty(2, layout.RECORD_JOB, "a test")
        with pytest.raises(TypeError, match=r"structure Lists, field 'items': must be an array of uint32"):
            record(LISTS, jobs=jobs, items=wrong)

    def test_arrays_of_other_items_are_refused(self, device: EmulatedDevice) -> None:
        jobs, items = device.empty(2, layout.RECORD_JOB, "a test"), device.empty(4, np.int32, "a test")
        with pytest.raises(TypeError, match=r"must be an array of uint32 \(got Array int32\)"):
            record(LISTS, jobs=jobs, items=items)

    def test_missing_and_unknown_fields_are_refused(self, device: EmulatedDevice) -> None:
        jobs = device.empty(2, layout.RECORD_JOB, "a test")
        with pytest.raises(TypeError, match="structure Lists: fields that are missing or unknown: items, slots"):
            record(LISTS, jobs=jobs, slots=3)

    def test_a_launch_checks_the_parameters_of_its_kernel(self, device: EmulatedDevice) -> None:
        ring = Ring(device, Wanted((0,), (4,), ())).record
        with pytest.raises(TypeError, match="kernel record: takes State"):
            device.prepare("record", 1, [ring], number=3)
        with pytest.raises(TypeError, match="kernel record: takes State"):
            device.prepare("record", 1, [ring])
