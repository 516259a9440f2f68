"""Experiments and the command line: parameters, run folders, resuming, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import h5py
import pytest

from brainsim.errors import ExperimentError, RunFolderError
from brainsim.simulate.dumps import read_assemblies, read_recordings
from brainsim.studies import sealed_json
from brainsim.studies.experiment import experiment, load_experiment
from brainsim.studies.run import Run
from brainsim.studies.settings import Settings
from checkout import ROOT
from terminal import brainsim

NOUN_VERB = ROOT / "experiments" / "noun_verb.py"
HERE = ["--jobs", 1]  # in this process
TINY = [*HERE, "--quick", *"--set n=3000 --set sentences=8 --set test_every=4 --set seeds=2".split()]


def without_clock(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return metrics without times, memory and jobs, in which equal runs may differ."""
    timed = ("seconds", "peak_rss_mb", "jobs")
    ends = ("_seconds", "_per_second")
    kept = {name: value for name, value in metrics.items() if name not in timed and not name.endswith(ends)}
    return {name: without_clock(value) if isinstance(value, dict) else value for name, value in kept.items()}


def test_a_run_writes_all_its_files(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "run"
    code, printed, errors = brainsim("run", NOUN_VERB, *TINY, "--out", out, "--seed", 4, "--json", capsys=capsys)
    assert code == 0, errors
    metrics = json.loads((out / "metrics.json").read_text())
    assert json.loads(printed) == metrics
    for name in (
        "classification_accuracy classification_by_stability readback_right readback_wrong sentences_to_criterion sentences "
        "words sentences_per_second peak_rss_mb support seed parameters versions controls"
    ).split():
        assert name in metrics
    assert metrics["seed"] == 4
    assert metrics["controls"]["untrained"]["by_seed"]["classification_accuracy"]
    assert metrics["intervals_95"]["classification_accuracy"]
    assert metrics["parameters"]["n"] == 3000
    assert set(metrics["controls"]) == {"beta_zero", "untrained", "shuffled_grounding"}
    for name in ("learning_curve.png", "raster.png", "overlap.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    header = json.loads((out / "run.json").read_text())
    assert header["status"] == "finished"
    assert header["command"].startswith("brainsim run ")
    assemblies = read_assemblies(out / "assemblies.h5")
    assert list(assemblies["Lex1"])[:3] == ["dog", "cat", "bird"]
    assert len(assemblies["Lex1"]["dog"]) == 50
    recording = read_recordings(out / "assemblies.h5")["words_heard"]
    assert [area.name for area in recording.areas] == ["Phon", "Lex1", "Lex2"]
    assert [mark.label for mark in recording.marks] == ["dog", "cat", "bird", "run", "jump", "walk"]
    assert not list(out.glob(".*"))


@pytest.mark.slow
def test_backends_and_threads_give_the_same_result(tmp_path: Path, capsys: Any, emulated_gpu: None) -> None:
    tiny = ["n=1500", "sentences=4", "test_every=4", "seeds=1", "controls=false"]
    settings = [part for setting in tiny for part in ("--set", setting)]
    results = []
    for number, (backend, threads) in enumerate([("cpu", 1), ("cpu", 2), ("reference", 1), ("gpu", 1)]):
        out = tmp_path / str(number)
        options = [*HERE, "--backend", backend, "--threads", threads, "--out", out]
        code, _, errors = brainsim("run", NOUN_VERB, "--quick", *settings, *options, capsys=capsys)
        assert code == 0, errors
        metrics = without_clock(json.loads((out / "metrics.json").read_text()))
        assemblies = read_assemblies(out / "assemblies.h5")
        formed = {area: {name: each.neurons.tolist() for name, each in of.items()} for area, of in assemblies.items()}
        results.append((metrics, formed))
    assert results[0][1]
    assert all(result == results[0] for result in results)


@pytest.mark.slow
def test_an_interrupted_run_resumes_to_the_same_result(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    from brainsim.models.nemo.learner import WordLearner
    from brainsim.studies import parts

    monkeypatch.setattr(parts, "_CHECKPOINT_SECONDS", 0.0)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert brainsim("run", NOUN_VERB, *TINY, "--out", whole, capsys=capsys)[0] == 0
    hear, heard = WordLearner.hear, []

    def interrupted(self: WordLearner, sentence: Any) -> None:
        heard.append(sentence)
        if len(heard) == 15:
            raise KeyboardInterrupt
        hear(self, sentence)

    with monkeypatch.context() as patch:
        patch.setattr(WordLearner, "hear", interrupted)
        code, _, errors = brainsim("run", NOUN_VERB, *TINY, "--out", broken, capsys=capsys)
    assert code == 130
    assert f"brainsim run --resume --out {broken}" in errors
    assert json.loads((broken / "run.json").read_text())["status"] == "interrupted"
    assert sorted(path.name for path in (broken / "parts").iterdir()) == ["trained-0.json", "trained-1.h5"]
    with h5py.File(broken / "parts" / "trained-1.h5") as file:
        assert file["rounds"][()] > 0
    code, _, errors = brainsim("run", NOUN_VERB, *TINY, "--seed", 9, "--out", broken, "--resume", capsys=capsys)
    assert code == 2
    assert "seed (0, now 9) differs from the run to resume" in errors
    command = json.loads((broken / "run.json").read_text())["command"]
    code, _, errors = brainsim("run", *HERE, "--out", broken, "--resume", capsys=capsys)
    assert code == 0, errors
    assert json.loads((broken / "run.json").read_text())["command"] == command
    (broken / "assemblies.h5").unlink()
    assert brainsim("run", NOUN_VERB, *TINY, "--out", broken, "--resume", capsys=capsys)[0] == 0
    first, second = (without_clock(json.loads((f / "metrics.json").read_text())) for f in (whole, broken))
    assert first == second
    assert read_assemblies(whole / "assemblies.h5") == read_assemblies(broken / "assemblies.h5")


LEXICONS = {
    "column.csv": "word,kind\ndog,noun\n",
    "empty.csv": "",
    "header.csv": "word,class\n",
    "twice.csv": "word,class\ndog,noun\nrun,verb\ndog,noun\n",
    "nan.csv": "word,class,size\ndog,noun,nan\nrun,verb,1\n",
    "gap.csv": "word,class,size\ndog,noun,1\nrun,verb,\n",
    "invisible.csv": "word,class\nhe\u200b,noun\nrun,verb\n",
    "verbs.csv": "word,class\nrun,verb\n",
    "ragged.csv": "word,class,size\ndog,noun\nrun,verb,1\n",
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "sentnces=3"], "--set sentnces=3: unknown parameter 'sentnces'; did you mean 'sentences'?"),
        (["--set", "n=many"], "--set n=many: must be a whole number (got 'many')"),
        (["--set", "n=1.5"], "--set n=1.5: must be a whole number (got '1.5')"),
        (["--set", "controls=maybe"], "--set controls=maybe: must be true or false (got 'maybe')"),
        (["--set", "n"], "--set n: must have the form name=value"),
        (["--set", "n=5", "--set", "n=6"], "--set n=6: 'n' is set twice; give it once"),
        (["--set", "k=200000"], "Area 'Lex1'.k: must be between 1 and n = 10000 (got 200000); lower k or raise n"),
        (["--set", "p=1.5"], "Fiber 'Phon->Lex1'.p: must be a number between 0 and 1 (got 1.5)"),
        (["--set", "p=nan"], "--set p=nan: must be a number (got 'nan')"),
        (["--set", "tau=0"], "WordLearner.tau: must be an integer of at least 1 (got 0)"),
        (["--set", "sentences=1e15"], "--set sentences=1000000000000000: must be between 1 and 10000000"),
        (["--out", "x" * 300], "cannot be written (File name too long); choose another"),
        (["--set", "lexicon=gap.csv"], "gap.csv, line 3, column 'size': must be a finite number"),
        (["--set", "lexicon=invisible.csv"], "invisible.csv, line 2, column 'word': must be visible text"),
        (["--set", "rule=oja"], "--set rule=oja: must be one of hebbian, saturating"),
        (["--set", "sentences=0"], "--set sentences=0: must be between 1 and 10000000"),
        (["--set", "nouns=99"], "Lexicon.nouns: must be between 1 and 40, the number in the list (got 99)"),
        (["--backend", "cpuu"], "Simulator.backend: unknown backend 'cpuu'; did you mean 'cpu'?"),
        (["--set", "lexicon=nowhere.csv"], "--set lexicon=nowhere.csv: cannot be read (No such file or directory)"),
        (["--set", "lexicon=column.csv"], "column.csv: column 'class' is missing; found: word, kind"),
        (["--set", "lexicon=empty.csv"], "empty.csv: is empty; it needs a header"),
        (["--set", "lexicon=header.csv"], "header.csv: is empty"),
        (["--set", "lexicon=twice.csv"], "twice.csv, line 4: word 'dog' comes twice; keep one row"),
        (["--set", "lexicon=nan.csv"], "nan.csv, line 2, column 'size': must be a finite number"),
        (["--set", "lexicon=verbs.csv"], "verbs.csv: has no noun; give at least one row with class noun"),
        (["--set", "lexicon=ragged.csv"], "ragged.csv, line 2: must have 3 columns, as the header has (got 2)"),
        (["--out", "file.txt"], "--out file.txt: is a file; choose another path"),
        (["--out", "occupied"], "--out occupied: is not an empty folder; choose another, continue it with --resume"),
        (["--out", "file.txt/run"], "--out file.txt/run: cannot be written (Not a directory); choose another"),
        (["--resume"], "--resume needs --out"),
        (["--out", "fresh", "--resume"], "--out fresh: holds no run to resume"),
    ],
)
def test_bad_input_exits_with_2_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in LEXICONS.items():
        Path(name).write_text(text)
    Path("file.txt").write_text("")
    Path("occupied").mkdir()
    Path("occupied/mine").write_text("")
    before = sorted(tmp_path.rglob("*"))
    code, printed, errors = brainsim("run", NOUN_VERB, *HERE, "--quick", *arguments, capsys=capsys)
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors
    assert printed == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.py", "x = 1\n", "must have exactly one function decorated with @brainsim.experiment (found none)"),
        ("broken.py", "def f(:\n", "line 1: is not valid Python"),
        ("text.txt", "hello", "is not a Python file"),
        ("missing.py", None, "no such file"),
    ],
)
def test_files_without_an_experiment_are_refused(
    name: str, text: str | None, message: str, tmp_path: Path, capsys: Any
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    code, _, errors = brainsim("run", tmp_path / name, capsys=capsys)
    assert code == 2
    assert message in errors


def test_a_crash_exits_with_1_and_keeps_finished_parts(tmp_path: Path) -> None:
    file = tmp_path / "crash.py"
    file.write_text(
        textwrap.dedent(
            """
            from brainsim import experiment

            @experiment
            def crash(run, *, size: int = 3):
                run.part("first", lambda checkpoint: size)
                raise ZeroDivisionError("on purpose")
            """
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "brainsim", "run", str(file), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError: on purpose" in done.stderr
    assert json.loads((tmp_path / "out" / "parts" / "first.json").read_text())["result"] == 3
    assert json.loads((tmp_path / "out" / "run.json").read_text())["status"] == "failed"


def test_parameters_are_typed() -> None:
    @experiment(quick={"size": 2})
    def study(run: Run, *, size: int = 10, rate: float = 0.5, name: str = "x", on: bool = False) -> dict[str, Any]:
        return {}

    assert study.parameters(["size=1e6", "rate=1", "on=yes"]) == {
        "size": 1_000_000,
        "rate": 1.0,
        "name": "x",
        "on": True,
    }
    assert study.parameters(["size=1_000"], quick=True)["size"] == 1000
    assert study.parameters(quick=True)["size"] == 2


def test_parameters_that_cannot_be_set_are_refused() -> None:
    with pytest.raises(
        ExperimentError, match="parameter 'words' must be annotated int, float, bool, str, Path or Literal"
    ):

        @experiment
        def study(run: Run, *, words: list = ()) -> dict[str, Any]:  # type: ignore[type-arg, assignment]
            return {}

    with pytest.raises(ExperimentError, match="unknown parameter 'sze'; did you mean 'size'"):

        @experiment(quick={"sze": 1})
        def other(run: Run, *, size: int = 1) -> dict[str, Any]:
            return {}


def test_a_changed_experiment_is_not_resumed(tmp_path: Path) -> None:
    file = tmp_path / "study.py"
    file.write_text("one")
    settings: dict[str, Any] = {"seed": 0, "quick": False, "parameters": {}}
    Run(tmp_path / "out", Settings.of_file(file, **settings)).begin(resume=False)
    Run(tmp_path / "out", Settings.of_file(file, **settings)).begin(resume=True)
    file.write_text("two")
    with pytest.raises(RunFolderError, match="the experiment file differs from the run to resume"):
        Run(tmp_path / "out", Settings.of_file(file, **settings)).begin(resume=True)


@pytest.mark.parametrize("found", [0, 2])
def test_a_run_under_another_tie_rule_is_not_resumed(tmp_path: Path, found: int) -> None:
    file = tmp_path / "study.py"
    file.write_text("")
    settings = Settings.of_file(file, seed=1, quick=False, parameters={})
    Run(tmp_path / "out", settings).begin(resume=False)
    header = sealed_json.read(tmp_path / "out" / "run.json")
    assert header["versions"]["ties"] == str(header.pop("ties_version"))
    header |= {"ties_version": found} if found else {}  # the first versions did not store it
    (tmp_path / "out" / "run.json").write_text(json.dumps(sealed_json.sealed(header)))
    with pytest.raises(RunFolderError, match=rf"ties_version \({found}, now 1\) differs from the run to resume"):
        Run(tmp_path / "out", settings).begin(resume=True)


def test_a_changed_input_file_is_not_resumed(tmp_path: Path) -> None:
    for name in ("study.py", "words.csv"):
        (tmp_path / name).write_text("one")
    settings: dict[str, Any] = {"seed": 0, "quick": False, "parameters": {"lexicon": tmp_path / "words.csv"}}
    Run(tmp_path / "out", Settings.of_file(tmp_path / "study.py", **settings)).begin(resume=False)
    (tmp_path / "words.csv").write_text("two")
    with pytest.raises(RunFolderError, match="a file it reads differs from the run to resume"):
        Run(tmp_path / "out", Settings.of_file(tmp_path / "study.py", **settings)).begin(resume=True)
    (tmp_path / "out" / "run.json").write_text("{}")
    with pytest.raises(RunFolderError, match="holds no run to resume"):
        Run(tmp_path / "out", Settings.of_file(tmp_path / "study.py", **settings)).begin(resume=True)


def test_an_experiment_can_import_a_module_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "helper_beside.py").write_text("SIZE = 7\n")
    (tmp_path / "study.py").write_text(
        "from helper_beside import SIZE\nfrom brainsim import experiment\n"
        "@experiment\ndef study(run, *, size: int = SIZE):\n    return {}\n"
    )
    assert load_experiment(tmp_path / "study.py").defaults == {"size": 7}


def test_info_and_parameters_print_backends_and_defaults(capsys: Any) -> None:
    code, printed, _ = brainsim("info", capsys=capsys)
    assert code == 0
    assert "backend cpu: works (auto)" in printed
    assert "backend gpu: does not run here" in printed
    assert "numba" in json.loads(brainsim("info", "--json", capsys=capsys)[1])["versions"]
    printed = brainsim("parameters", NOUN_VERB, capsys=capsys)[1]
    assert "n: int = 100000   (--quick: 10000)\n    Neurons and winners of each of the two lexical areas.\n" in printed
    assert brainsim("nonsense", capsys=capsys)[0] == 2


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_help_describes_the_parameters_of_an_experiment(command: str, tmp_path: Path, capsys: Any) -> None:
    code, printed, _ = brainsim(command, NOUN_VERB, "--help", capsys=capsys)
    assert code == 0
    assert "Usage: brainsim" in printed
    for part in (
        "for --set",
        "rule: hebbian or saturating = 'hebbian'",
        "as a fraction of its weight",
        "(--quick: 10000)",
    ):
        assert part in " ".join(printed.split())
    assert "for --set" not in brainsim(command, "--help", capsys=capsys)[1]
    (tmp_path / "broken.py").write_text("import nothing_of_this_name")
    assert "nothing_of_this_name" in brainsim(command, tmp_path / "broken.py", "--help", capsys=capsys)[1]


def test_every_experiment_loads_and_explains_its_parameters() -> None:
    for path in sorted((ROOT / "experiments").glob("*.py")):
        study = load_experiment(path)
        assert study.name == path.stem
        assert study.help.keys() == study.types.keys()
        assert all(text.endswith(".") for text in study.help.values())


def test_the_docstring_of_an_experiment_describes_its_parameters(tmp_path: Path, capsys: Any) -> None:
    sections = "Parameters\n    ----------\n    on, off : bool\n        First line,\n        second.\n\n    Returns\n    -------\n    dict\n"
    for docstring, expected in (
        ("", {}),
        ('"""Nothing is said."""', {}),
        (f'"""Some.\n\n    {sections}    """', {"on": "First line, second.", "off": "First line, second."}),
    ):
        file = tmp_path / f"study{len(docstring)}.py"
        body = f"def study(run, *, on: bool = True, n: int = 2):\n    {docstring}\n    return {{}}\n"
        file.write_text(f"from brainsim import experiment\n\n@experiment\n{body}")
        assert load_experiment(file).help == expected
        shown = f"on: bool = True\n{'    First line, second.' if expected else ''}\nn: int = 2\n".replace("\n\n", "\n")
        assert brainsim("parameters", file, capsys=capsys)[1] == shown


def test_importing_brainsim_loads_no_heavy_packages() -> None:
    code = "import sys, brainsim; print(sorted({'numba', 'scipy', 'h5py', 'matplotlib', 'tqdm', 'cupy'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_an_option_that_is_set_as_a_parameter_is_named_as_an_option() -> None:
    study = load_experiment(ROOT / "experiments" / "association.py")
    with pytest.raises(ExperimentError, match=r"--set backend=gpu: .*; it is an option: --backend gpu"):
        study.parameters(["backend=gpu"], quick=False)
