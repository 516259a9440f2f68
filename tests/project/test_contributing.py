"""CONTRIBUTING.md: its examples run, and the files that it names exist."""

from __future__ import annotations

import re

import pytest

from checkout import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("part", ["a plasticity rule", "an activation", "a graph"])
def test_the_examples_print_the_documented_output(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    section = TEXT.split(f"## Add {part}\n")[1].split("\n## ")[0]
    (example,) = [block.split("```")[0] for block in section.split("```python\n")[1:]]
    exec(compile(example, "CONTRIBUTING.md", "exec", dont_inherit=True), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip() == example.strip().rsplit("# ", 1)[1]


def test_files_that_it_names_exist() -> None:
    named = set(re.findall(r"`((?:brainsim|kernels|areas|tests|docs|experiments)/[\w/.]*)`", TEXT))
    assert len(named) > 15
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]
