"""`brainsim graph`: which brain a Python file declares, and how it is drawn or listed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from brainsim import Area, Brain, Channels, Hebbian, Modulator, Oscillator, Region
from brainsim.errors import ExperimentError
from brainsim.plots import brain_dot
from brainsim.studies.inspecting import check, declared_brain, outline
from checkout import ROOT
from terminal import brainsim

TOP = "from brainsim import Area, Brain, Simulator, experiment\n"
DECLARED = TOP + "brain = Brain()\nbrain.add(Area('A', 10, 2))\n"


def brain_of(folder: Path, code: str, *arguments: Any, **options: Any) -> list[str]:
    """Return the names of the areas of the brain that a file with this code declares."""
    (folder / "brain.py").write_text(code)
    return list(declared_brain(folder / "brain.py", *arguments, **options).areas)


class TestWhichBrain:
    def test_the_only_brain_in_a_variable_is_found(self, tmp_path: Path) -> None:
        assert brain_of(tmp_path, DECLARED) == ["A"]
        assert brain_of(tmp_path, DECLARED + "again = brain\n") == ["A"]

    def test_the_brain_of_the_first_simulator_is_found_without_a_simulation(self, tmp_path: Path) -> None:
        code = DECLARED + "sim = Simulator(brain)\nopen('ran', 'w')\n"
        assert brain_of(tmp_path, code) == ["A"]
        inside = TOP + (
            "def build():\n    brain = Brain()\n    brain.add(Area('B', 10, 2))\n    return brain\n"
            "try:\n    Simulator(build(), backend='gpu')\nexcept Exception:\n    pass\nraise ValueError\n"
        )
        assert brain_of(tmp_path, inside) == ["B"]

    def test_a_script_does_not_run_as_the_main_program(self, tmp_path: Path) -> None:
        assert brain_of(tmp_path, DECLARED + "if __name__ == '__main__':\n    raise ValueError\n") == ["A"]

    def test_parameters_of_an_experiment_set_the_brain_of_its_first_simulator(self, tmp_path: Path) -> None:
        code = TOP + (
            "@experiment(quick={'n': 20})\ndef study(run, *, n: int = 100):\n    def compute(part):\n"
            "        brain = Brain()\n        brain.add(Area(f'A{n}', n, 2))\n"
            "        Simulator(brain, run.seed, **run.simulator)\n        raise ValueError('was simulated')\n"
            "    run.part('only', compute)\n    return {}\n"
        )
        assert brain_of(tmp_path, code) == ["A100"]
        assert brain_of(tmp_path, code, quick=True) == ["A20"]
        assert brain_of(tmp_path, code, settings=["n=30"]) == ["A30"]
        with pytest.raises(ExperimentError, match="did you mean 'n'"):
            brain_of(tmp_path, code, settings=["nn=30"])
        assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == ["brain.py"]

    def test_a_variable_or_a_function_is_chosen_by_name(self, tmp_path: Path) -> None:
        code = DECLARED + (
            "with Simulator(brain, backend='reference') as sim:\n    pass\n"
            "def larger(n=50):\n    brain = Brain()\n    brain.add(Area('Large', n, 2))\n    return brain\n"
            "other = larger()\nnumber = 3\n"
        )
        assert brain_of(tmp_path, code, "other") == ["Large"]
        assert brain_of(tmp_path, code, "larger") == ["Large"]
        with pytest.raises(ExperimentError, match="did you mean 'larger'"):
            brain_of(tmp_path, code, "largr")
        with pytest.raises(ExperimentError, match=r"Brain, or .*got 3"):
            brain_of(tmp_path, code, "number")

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            (DECLARED + "other = Brain()\n", "declares several brains; choose one with --brain: brain, other"),
            ("x = 1\n", "declares no brain and no experiment; give the variable"),
            (TOP + "@experiment\ndef study(run):\n    return {}\n", "its experiment builds no simulator"),
            (DECLARED + "1 / 0\n", "line 4: raised ZeroDivisionError: division by zero"),
            (DECLARED + "brain.add(Area('A', 10, 2))\n", "line 4: .*'A'"),
            (DECLARED + "raise SystemExit(3)\n", "line 4: raised SystemExit: 3"),
            ("def broken(:\n", "line 1: is not valid Python"),
        ],
    )
    def test_a_file_without_a_clear_brain_gives_a_one_line_error(
        self, tmp_path: Path, code: str, said: str, capsys: Any
    ) -> None:
        before = list(sys.argv)
        with pytest.raises(ExperimentError, match=said):
            brain_of(tmp_path, code)
        assert sys.argv == before
        code_, output, errors = brainsim("graph", tmp_path / "brain.py", capsys=capsys)
        assert (code_, output, errors.count("\n")) == (2, "", 1)

    def test_a_missing_file_is_refused(self, tmp_path: Path, capsys: Any) -> None:
        assert brainsim("graph", tmp_path / "no.py", capsys=capsys)[0] == 2


def with_everything() -> Brain:
    brain, region = Brain(), Region("Hippo")
    ca3 = Area("CA3", 200, 20, refraction=0.1)
    region.add(ca3)
    goal = Area("Goal", 40, activation=Channels(10, 2))
    brain.add(region, goal)
    dopamine, theta = brain.add(Modulator("dopamine", baseline=0.5), Oscillator("theta", period=8))
    brain.connect(ca3, ca3, 0.1, Hebbian(0.1, w_max=20.0), modulated_by=dopamine, learns_when=theta.encoding)
    brain.connect(ca3, goal, 0.2, gate=goal, weight=-2.0, label='say "no"\\')
    return brain


def test_the_list_has_every_part_in_aligned_columns() -> None:
    lines = outline(with_everything()).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["2 areas", "2 fibers", "2 modulators"]
    assert [line.split() for line in lines[1:4]] == [
        ["name", "n", "k", "activation", "more"],
        ["Hippo.CA3", "200", "20", "TopK()", "refraction=0.1"],
        ["Goal", "40", "20", "Channels(size=10,", "c=2)"],
    ]
    fiber = lines[6]
    for said in ("p=0.1", "Hebbian(beta=0.1, w_max=20.0)", "modulated_by=dopamine", "learns_when=theta.window(0, 4)"):
        assert said in fiber
    assert lines[5].index("rule") == fiber.index("Hebbian") == lines[7].index("fixed")
    assert "weight=-2 gate=Goal" in lines[7]
    assert lines[11].split() == ["theta", "oscillator,", "period", "8"]


def test_dot_quotes_names_and_groups_regions() -> None:
    dot = brain_dot(with_everything())
    assert dot.count("subgraph cluster_") == 1
    assert '"Hippo.CA3" [label="CA3\\nn = 200\\nk = 20"];' in dot
    assert (
        '"Hippo.CA3" -> "Goal" [color="#666666", style=dashed, label="p=0.2\\nfixed\\nweight=-2\\ngate=Goal"];' in dot
    )
    odd = Brain()
    odd.add(Area('a "b" \\n', 10, 2))
    assert '"a \\"b\\" \\\\n" [label="a \\"b\\" \\\\n\\nn = 10' in brain_dot(odd)


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot", "txt"])
def test_the_command_writes_pictures_and_texts(tmp_path: Path, ending: str, capsys: Any) -> None:
    (tmp_path / "brain.py").write_text(DECLARED + "print('from the file')\n")
    out = tmp_path / f"out.{ending}"
    code, output, errors = brainsim("graph", tmp_path / "brain.py", "-o", out, capsys=capsys)
    assert (code, output, errors) == (0, f"wrote {out}\n", "from the file\n")
    if ending in ("dot", "txt"):
        brain = declared_brain(tmp_path / "brain.py")
        assert out.read_text() == (brain_dot(brain) if ending == "dot" else outline(brain)) + "\n"
    else:
        assert check(out).condition == "whole"
    if ending == "svg":
        assert ElementTree.parse(out).getroot().tag.endswith("svg")


def test_the_command_prints_a_list_or_dot(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "brain.py").write_text(DECLARED)
    brain = declared_brain(tmp_path / "brain.py")
    assert brainsim("graph", tmp_path / "brain.py", capsys=capsys)[1] == outline(brain) + "\n"
    assert brainsim("graph", tmp_path / "brain.py", "-o", "-", capsys=capsys)[1] == brain_dot(brain) + "\n"
    code, _, errors = brainsim("graph", tmp_path / "brain.py", "-o", "brain.jpg", capsys=capsys)
    assert (code, "-o brain.jpg: must end in .txt, .dot, .svg" in errors) == (2, True)


@pytest.mark.parametrize("name", ["noun_verb", "thalamic_routing", "classification"])
def test_experiments_of_the_project_show_their_brain(name: str) -> None:
    brain = declared_brain(ROOT / "experiments" / f"{name}.py")
    assert len(brain.areas) >= 2
    assert len(brain.fibers) >= 2
