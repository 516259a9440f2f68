"""The examples in docs/howto/inspecting.md print what the page says."""

from __future__ import annotations

import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest

from brainsim._version import __version__
from checkout import ROOT
from terminal import brainsim


def test_the_commands_print_the_documented_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "howto" / "inspecting.md").read_text()
    (script,) = [block.split("```")[0] for block in page.split("```python\n")[1:]]
    Path("two_words.py").write_text(script)
    runpy.run_path("two_words.py", run_name="__main__")
    capsys.readouterr()
    examples = [block.split("```")[0].split("\n", 1) for block in page.split("```text\n")[1:]]
    assert len(examples) == 6
    for command, shown in examples:
        name, *arguments = shlex.split(command.removeprefix("$ "))
        assert name == "brainsim"
        _, output, errors = brainsim(*arguments, capsys=capsys)
        assert (output, errors) == (shown.replace("0.1.0", __version__), ""), command
