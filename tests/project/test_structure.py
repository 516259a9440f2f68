"""The structure of the packages: imports go in one direction, without cycles."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from checkout import ROOT

# What each part of the package may import, besides itself and the modules that everything may import.
MAY_IMPORT = {
    "kernels": (),
    "declare": ("kernels",),
    "build": ("declare", "kernels"),
    "simulate": ("build", "declare", "kernels"),
    "plots": ("simulate", "declare", "kernels"),
    "operations": ("simulate", "declare", "kernels"),
    "areas": ("declare",),
    "networks": ("operations", "simulate", "declare", "kernels"),
    "models": ("networks", "operations", "simulate", "declare", "kernels", "areas"),
    "studies": ("models", "operations", "simulate", "declare", "kernels", "plots"),
    "bench": ("models", "operations", "simulate", "build", "declare", "kernels", "plots", "studies"),
    "cli": ("studies", "bench", "models", "networks", "operations", "simulate", "declare", "kernels", "plots"),
}
EVERYBODY = ("errors", "_validation", "_arguments", "_version", "_files", "_html")
PUBLIC = "brainsim"


def modules() -> dict[str, Path]:
    """Return the path of every module by its installed name."""
    found = {}
    for package, folder in {"brainsim": "brainsim", "brainsim.kernels": "kernels", "brainsim.areas": "areas"}.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *(part for part in parts if part != "__init__")))
            found[name] = path
    return found


MODULES = modules()


def only_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(body: list[ast.stmt], *, inside_functions: bool) -> Iterator[ast.stmt]:
    """Yield the statements that run, those of functions only if asked for."""
    for node in body:
        if only_for_types(node):
            continue
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not inside_functions:
            continue
        for field in ("body", "orelse", "finalbody", "handlers"):
            inner = getattr(node, field, [])
            yield from statements(
                [each for each in inner if isinstance(each, ast.stmt)], inside_functions=inside_functions
            )


def imports(name: str, *, inside_functions: bool) -> set[str]:
    """Return the modules of this project that a module imports."""
    found = set()
    for node in statements(ast.parse(MODULES[name].read_text()).body, inside_functions=inside_functions):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (named & MODULES.keys()) or {node.module}
    return {each for each in found if each in MODULES} - {name}


def part_of(name: str) -> str:
    return name.split(".")[1] if "." in name else PUBLIC


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_go_in_one_direction(part: str) -> None:
    own = [name for name in MODULES if part_of(name) == part]
    assert own
    allowed = {part, *MAY_IMPORT[part], *(EVERYBODY if part != "kernels" else ())}
    if part in ("areas", "bench"):
        allowed |= {PUBLIC}  # as areas and scripts of users do
    wrong = {
        (name, other) for name in own for other in imports(name, inside_functions=True) if part_of(other) not in allowed
    }
    assert not wrong


def test_there_are_no_import_cycles() -> None:
    graph = {name: imports(name, inside_functions=False) for name in MODULES}
    graph = {name: {each for each in others if each != PUBLIC} for name, others in graph.items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")


def test_an_import_cycle_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.py").write_text(f"from brainsim.{other} import something\n")
        monkeypatch.setitem(MODULES, f"brainsim.{name}", tmp_path / f"{name}.py")
    with pytest.raises(pytest.fail.Exception, match="modules import each other"):
        test_there_are_no_import_cycles()


def test_the_law_imports_no_backend() -> None:
    law = [name for name in MODULES if name.startswith("brainsim.kernels.law")]
    assert {other for name in law for other in imports(name, inside_functions=True)} <= {*law}


@pytest.mark.parametrize(("backend", "other"), [("cpu", "gpu"), ("gpu", "cpu")])
def test_backends_do_not_import_each_other(backend: str, other: str) -> None:
    own = [name for name in MODULES if name.startswith(f"brainsim.kernels.{backend}")]
    assert own
    used = {each for name in own for each in imports(name, inside_functions=True)}
    assert not {each for each in used if each.startswith(f"brainsim.kernels.{other}")}


def test_areas_import_only_the_public_interface() -> None:
    used = {other for name in MODULES if part_of(name) == "areas" for other in imports(name, inside_functions=True)}
    assert {name for name in used if part_of(name) != "areas"} <= {
        PUBLIC,
        "brainsim.declare.patterns",
        "brainsim.errors",
    }


@pytest.mark.parametrize(
    ("library", "homes"),
    [("cupy", {"brainsim.kernels.gpu"}), ("numba", {"brainsim.kernels.cpu", "brainsim.bench.brute_force"})],
)
def test_only_the_backend_of_a_compiler_imports_it(library: str, homes: set[str]) -> None:
    users = {name for name, path in MODULES.items() if re.search(rf"(import|from) {library}\b", path.read_text())}
    assert users
    assert {name for name in users if not any(name.startswith(home) for home in homes)} == set()


def test_each_test_file_has_a_unique_name() -> None:
    """Pytest imports test files by name, so two files of the same name cannot run together."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
