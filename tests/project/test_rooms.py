"""The rooms of the source: imports point one way, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from checkout import ROOT

PACKAGES = {"brainsim": ROOT / "brainsim", "brainsim.areas": ROOT / "areas", "brainsim.kernels": ROOT / "kernels"}

# A room imports from rooms of the lines below its own, and from itself.
FLOORS = """
    __main__
    cli
    bench
    studies
    models operations plots
    areas
    brainsim
    simulate
    build
    declare
    kernels.cpu kernels.gpu
    kernels
    kernels.law
    _files _layout _validation _version
    errors
""".split("\n")[1:-1]
FLOOR = {room: height for height, floor in enumerate(reversed(FLOORS)) for room in floor.split()}
# `brainsim` names what users meet, `@experiment` too; the GPU backend reads single rows as the CPU backend does.
EXCEPTIONS = {("brainsim", "studies"), ("kernels.gpu", "kernels.cpu")}


def modules() -> dict[str, Path]:
    return {
        ".".join(
            [package, *(part for part in path.relative_to(folder).with_suffix("").parts if part != "__init__")]
        ): path
        for package, folder in PACKAGES.items()
        for path in folder.rglob("*.py")
    }


def imported(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str | None]]:
    """Yield each module, and each name taken from one, that code imports when it runs, be it inside a function."""
    for node in nodes:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imported(node.orelse)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            assert not node.level, "imports are absolute"
            yield from ((node.module, alias.name) for alias in node.names)
        else:
            yield from imported(ast.iter_child_nodes(node))


def arrows() -> dict[str, set[str]]:
    known = modules()
    found = {}
    for module, path in known.items():
        names = imported(ast.parse(path.read_text()).body)
        targets = {inner if (inner := f"{name}.{part}") in known else name for name, part in names}
        found[module] = targets & known.keys() - {module}
    return found


def room(module: str) -> str:
    """Return the folder that a module lies in, or its name where it lies on the top level of brainsim."""
    inner = module.split(".")[1:]
    if inner[:1] == ["kernels"]:
        return ".".join(inner[:2]) if f"brainsim.{'.'.join(inner[:2])}" in SUBPACKAGES else "kernels"
    return inner[0] if inner else "brainsim"


SUBPACKAGES = {module for module, path in modules().items() if path.name == "__init__.py"}


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(arrows()).prepare()  # raises CycleError, which names the circle


def test_imports_point_one_way() -> None:
    pairs = {(room(module), room(target)) for module, targets in arrows().items() for target in targets}
    upward = {(source, target) for source, target in pairs if source != target and FLOOR[source] <= FLOOR[target]}
    assert len(pairs) > 30
    assert upward - EXCEPTIONS == set()


def test_areas_use_the_public_api_alone() -> None:
    taken = {target for module, targets in arrows().items() if room(module) == "areas" for target in targets}
    assert {target for target in taken if room(target) != "areas"} <= {"brainsim", "brainsim.declare.patterns"}


def test_compilers_stay_in_their_rooms() -> None:
    names = {
        (module, name.partition(".")[0])
        for module, path in modules().items()
        for name, _ in imported(ast.parse(path.read_text()).body)
    }
    assert {module for module, name in names if name == "cupy"} == {"brainsim.kernels.gpu.cuda_device"}
    assert {room(module) for module, name in names if name == "numba"} == {"kernels.cpu", "bench"}
