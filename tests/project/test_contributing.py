"""CONTRIBUTING.md: what it tells contributors to write works."""

from __future__ import annotations

import pytest

from checkout import ROOT


def test_a_plasticity_rule_is_added_as_contributing_says(capsys: pytest.CaptureFixture[str]) -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a plasticity rule")[1].split("\n## ")[0]
    (example,) = [block.split("```")[0] for block in section.split("```python\n")[1:]]
    exec(compile(example, "CONTRIBUTING.md", "exec", dont_inherit=True), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip() == example.strip().rsplit("# ", 1)[1]
