"""Writes the pages of the reference from the packages, so that no public name can be forgotten.

A module that lists its names (``__all__``) has a table of them and a page for each name.  Any other module has one
page, with all that it defines.  Names are read from the sources, so that no optional package has to be installed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

_LAW = [f"brainsim.kernels.law.{name}" for name in ("graph", "gaps", "rows", "taper", "weights", "selection", "rules")]
_PARTS = ["backend", "host_backend", "program", "parts", "round_plan", "outcomes", "state", "state_kind", "errors"]
GROUPS = {
    "Declare and simulate": ["brainsim", "brainsim.areas", "brainsim.declare.patterns", "brainsim.errors"],
    "Form, recall, compute": ["brainsim.operations"],
    "Keep, export, draw": ["brainsim.simulate.dumps", "brainsim.simulate.export", "brainsim.plots"],
    "Run experiments": [
        "brainsim.studies",
        "brainsim.studies.experiment",
        "brainsim.studies.parts",
        "brainsim.studies.comparison",
        "brainsim.studies.statistics",
        "brainsim.studies.inspecting",
        "brainsim.studies.reporting",
    ],
    "Models": [f"brainsim.models.{name}" for name in ("nemo", "language", "cascade", "lazy")],
    "Networks trained by gradient": [],
    "What methods return": [
        f"brainsim.simulate.{name}" for name in ("outcome", "schedule", "connectome", "edges", "recordings.stored")
    ],
    "Write a backend": [*(f"brainsim.kernels.{name}" for name in _PARTS), *_LAW],
}
"""Headings, and the modules below each.  All modules of ``brainsim.networks`` follow by themselves."""

FOREIGN = "BaseException, Exception, Warning, Module, Embedding, Linear, LayerNorm, RMSNorm, tuple, int, object"
"""Base classes from elsewhere, whose members are not shown (also in _templates/autosummary/class.rst)."""

NOT_SHOWN = ("brainsim.__version__", "brainsim.networks.training.Batch")
"""Names that are neither classes nor functions: a text, and an alias of a type, which autodoc cannot show."""

HEADER = "..\n   Written by docs/_extensions/generated_reference.py.\n\n"


class Source:
    """What the source of a module says about it, without importing it."""

    def __init__(self, module: str, root: Path) -> None:
        package, *inner = module.split(".")
        if inner and inner[0] in ("areas", "kernels"):  # they lie beside the package that they are installed in
            package, *inner = inner
        path = root.joinpath(package, *inner)
        self._module = module
        self.tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())

    def _assigned(self, name: str) -> Any:
        """Return the literal that the module assigns to a name."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
                return ast.literal_eval(node.value)
        return None

    @property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0]

    @property
    def names(self) -> list[str]:
        """The classes and functions that the module lists; not the modules that load when they are used."""
        hidden = self._assigned("_MODULES") or ()
        listed = [name for name in self._assigned("__all__") or () if name not in hidden]
        return [name for name in listed if f"{self._module}.{name}" not in NOT_SHOWN]

    @property
    def defined(self) -> list[str]:
        """The public classes and functions that the module defines."""
        kinds = (ast.ClassDef, ast.FunctionDef)
        named = [node.name for node in self.tree.body if isinstance(node, kinds)]
        return list(dict.fromkeys(name for name in named if name[0] != "_"))  # an overload has its name twice

    def directives(self, names: list[str]) -> Iterator[str]:
        """Yield the lines that document classes, with what they inherit here, and functions."""
        classes = {node.name for node in self.tree.body if isinstance(node, ast.ClassDef)}
        for name in names:
            if name in classes:
                yield from (f".. autoclass:: {name}", "   :members:", f"   :inherited-members: {FOREIGN}", "")
            else:
                yield from (f".. autofunction:: {name}", "")


def modules(root: Path) -> dict[str, list[str]]:
    """Return the modules that have a page, by heading."""
    found = {heading: list(names) for heading, names in GROUPS.items()}
    paths = [path.relative_to(root).with_suffix("") for path in sorted((root / "brainsim" / "networks").rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    found["Networks trained by gradient"] = [name for name in names if own(name, root)]
    return found


def own(module: str, root: Path) -> list[str]:
    """Return what a module lists or else defines, without what the sub-package that it is in lists."""
    source, package = Source(module, root), module.rpartition(".")[0]
    above = Source(package, root).names if package.count(".") else []
    return [name for name in source.names or source.defined if name not in above]


def page(module: str, root: Path) -> str:
    """Return the page of a module."""
    lines, names = [module, "=" * len(module), "", f".. automodule:: {module}"], own(module, root)
    if not Source(module, root).names:
        return "\n".join([*lines, "", *Source(module, root).directives(names), ""])
    lines += ["", f".. currentmodule:: {module}", "", ".. autosummary::", "   :toctree: generated", "   :nosignatures:"]
    return "\n".join([*lines, "", *(f"   {name}" for name in names), ""])


def index(groups: dict[str, list[str]], root: Path) -> Iterator[str]:
    """Yield the lines of the page that lists the modules."""
    yield from ("By module", "=========", "")
    for heading, names in groups.items():
        yield from ("", heading, "-" * len(heading), "")
        yield from (f"- :doc:`{name}`: {Source(name, root).summary}" for name in names)
        yield from ("", ".. toctree::", "   :hidden:", "")
        yield from (f"   {name}" for name in names)
    yield ""


def write(app: Sphinx, config: Config) -> None:
    """Write what is not up to date, and delete pages of modules and names that have gone."""
    root, place = Path(app.srcdir).parent, Path(app.srcdir) / "reference"
    groups = modules(root)
    names = [name for group in groups.values() for name in group]
    texts = {f"{name}.rst": page(name, root) for name in names}
    texts["modules.rst"] = "\n".join(index(groups, root))
    stubs = {f"generated/{name}.{inner}.rst" for name in names for inner in own(name, root)}  # autosummary writes them
    config.autosummary_generate = [f"reference/{name}" for name in texts]  # pages that are new to a built site, too
    place.mkdir(exist_ok=True)
    for path in place.rglob("*.rst"):
        if path.relative_to(place).as_posix() not in {*texts, *stubs}:
            path.unlink()
    for name, text in texts.items():
        path = place / name
        if not path.is_file() or path.read_text() != HEADER + text:  # Sphinx reads again what is newer
            path.write_text(HEADER + text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the step to a build."""
    app.connect("config-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
