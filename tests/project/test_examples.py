"""The examples of the documentation run and print what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

import brainsim
from checkout import ROOT

MODULES = ["brainsim", "brainsim.errors"] + [
    f"brainsim.declare.{path.stem}" for path in sorted((ROOT / "brainsim" / "declare").glob("[a-z]*.py"))
]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    public = {each: getattr(brainsim, each) for each in brainsim.__all__}
    failed, _ = doctest.testmod(import_module(name), extraglobs=public)
    assert not failed


def test_a_plasticity_rule_is_added_as_contributing_says(capsys: pytest.CaptureFixture[str]) -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a plasticity rule")[1].split("\n## ")[0]
    (example,) = [block.split("```")[0] for block in section.split("```python\n")[1:]]
    exec(compile(example, "CONTRIBUTING.md", "exec", dont_inherit=True), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip() == example.strip().rsplit("# ", 1)[1]
