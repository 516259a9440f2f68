"""The names of ``import brainsim``, and the modules that it loads on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import brainsim


def test_modules_load_when_they_are_used() -> None:
    code = """if True:
        import sys, brainsim
        before = set(sys.modules)
        assert not any(f"brainsim.{part}" in before for part in ("plots", "operations", "models", "areas"))
        assert {"plots", "operations", "dumps", "patterns", "areas", "models", "studies", "Run"} <= set(dir(brainsim))
        assert brainsim.plots.raster and brainsim.operations.project and brainsim.dumps.write_assemblies
        assert brainsim.patterns.disjoint and brainsim.areas.Lex and brainsim.models.nemo.WordLearner
        assert brainsim.studies.experiment and brainsim.nemo.Lexicon and brainsim.statistics and brainsim.Run
        assert "matplotlib" in sys.modules and "matplotlib" not in before
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_exists() -> None:
    assert all(getattr(brainsim, name) is not None for name in brainsim.__all__)
    assert set(brainsim.__all__) <= set(dir(brainsim))


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'brainsim' has no attribute 'plotz'"):
        brainsim.plotz  # noqa: B018
