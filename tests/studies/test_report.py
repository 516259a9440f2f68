"""`brainsim report`: the content of its HTML page; tests/studies/test_report_browser.py opens it in a browser."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
from base64 import b64encode
from html import unescape
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bokeh", reason="Bokeh is not installed: pip install 'brainsim[report]'")

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer

from brainsim import Area, Assembly, Brain, Hebbian, Simulator, dumps
from brainsim.studies import reporting
from brainsim.studies.declared import Noted
from brainsim.studies.inspecting import show
from brainsim.studies.reporting import document, drawing, needs
from brainsim.studies.reporting.firings import MOST_READ
from brainsim.studies.reporting.firings import read as firings_of
from brainsim.studies.reporting.material import gathered
from brainsim.studies.reporting.serving import Live, application, listener
from reported import HOSTILE, STUDY, read, sources
from terminal import brainsim
from vision import contrast, least_distance

SECTIONS = ["progress", "brain", "scores", "curves", "raster", "assemblies", "overlaps", "weights", "costs", "settings"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has recorded everything."""
    return made(tmp_path_factory.mktemp("finished"))


def made(place: Path, *arguments: str) -> Path:
    file = place / "study.py"
    file.write_text(STUDY)
    command = ["run", str(file), "--jobs", "1", "--backend", "reference", "--out", str(place / "out"), *arguments]
    done = subprocess.run([sys.executable, "-m", "brainsim", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return place / "out"


@pytest.fixture(scope="module")
def html(finished: Path) -> Path:
    """The page of that run."""
    reporting.report(finished, finished.parent / "page.html")
    return finished.parent / "page.html"


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def reported(run: Path, to: Path, *arguments: str, capsys: Any) -> tuple[int, str, str]:
    return brainsim("report", run, "--to", to, *arguments, capsys=capsys)


def text_of(path: Path) -> str:
    """Return the text of a page outside of its scripts, without markup."""
    body = re.sub(r"<script.*?</script>|<style.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", body))


def test_a_page_shows_everything_that_a_run_recorded(finished: Path, tmp_path: Path, capsys: Any) -> None:
    to = tmp_path / "page.html"
    code, output, errors = reported(finished, to, capsys=capsys)
    assert (code, errors) == (0, "")
    assert output.startswith(f"wrote {to} (")
    page, text = read(to), text_of(to)
    assert [each for each in page.ids if each in SECTIONS] == SECTIONS
    assert "missing" not in page.ids
    metrics = json.loads((finished / "metrics.json").read_text())
    for needed in (f"{metrics['kept']:.4g}", "beta_zero", "0.05", "dog,cat,bird", "Hebbian(beta=0.1, w_max=20.0)"):
        assert needed in text, needed
    assert all(f"{name}" in text and metrics["versions"][name] in text for name in metrics["versions"])
    assert "the first word" in text
    assert f"{metrics['peak_rss_mb']:,.4g}" in text


def test_a_page_loads_no_files_and_runs_only_its_own_scripts(html: Path) -> None:
    page = read(html)
    assert page.links
    assert all(link.startswith(("data:", "#")) for link in page.links)
    scripts = re.findall(r"<script>(.*?)</script>", html.read_text(), re.DOTALL)
    digests = {f"'sha256-{b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in scripts}
    assert page.policy.startswith("default-src 'none'; ")
    (allowed,) = [part.split()[1:] for part in page.policy.split("; ") if part.startswith("script-src")]
    assert set(allowed) == digests
    assert len(digests) >= 3
    assert "connect-src 'none'" in page.policy
    assert len(page.ids) == len(set(page.ids))
    assert {place for _, place in page.content["roots"]} <= set(page.ids)


def test_each_control_of_a_page_has_a_name_and_each_figure_a_text(html: Path) -> None:
    text = html.read_text()
    figures = re.findall(r'<div class="plot" id="[^"]+" role="img" aria-label="([^"]+)">', text)
    assert len(figures) == len(read(html).content["roots"])
    assert all(len(each) > 20 for each in figures)
    for control in re.findall(r"<(?:input|select|button)[^>]*>", text.split("<main>")[1].split("</main>")[0]):
        before = text[: text.index(control)]
        inside_label = before.rfind("<label") > before.rfind("</label>")
        assert inside_label or "aria-label=" in control, control


def test_the_raster_holds_each_firing_once(finished: Path, html: Path) -> None:
    drawn = sources(read(html).content)
    recording = dumps.read_recordings(finished / "rounds.h5")["history"]
    for at, area in enumerate(recording.areas):
        parts = [data for name, data in drawn.items() if re.fullmatch(rf"raster-0-{at}-(-1|\d+)", name)]
        found = sorted(pair for part in parts for pair in zip(part["x"], part["neuron"], strict=True))
        rounds = recording.winners(area)
        assert found == [(number, neuron) for number, winners in enumerate(rounds) for neuron in winners]
    dog = dumps.read_assemblies(finished / "words.h5")["Lex"]["dog"]
    assert set(drawn["raster-0-1-0"]["neuron"]) == set(dog)
    labels = [mark.label for mark in recording.marks]
    assert drawn["raster-0-marks"]["label"] == labels == ["dog", "cat", "bird"]


def test_one_neuron_in_two_is_drawn_if_there_are_too_many_firings(finished: Path, tmp_path: Path) -> None:
    whole = sum(area.k for area in dumps.read_recordings(finished / "rounds.h5")["history"].areas) * 24
    reporting.report(finished, tmp_path / "page.html", firings=whole // 2)
    drawn = sources(read(tmp_path / "page.html").content)
    shown = sum(len(data["x"]) for name, data in drawn.items() if re.fullmatch(r"raster-0-\d-(-1|\d+)", name))
    assert whole / 3 < shown < 2 * whole / 3
    assert f"one neuron in 2 is drawn of {whole:,} firings" in text_of(tmp_path / "page.html")


def test_only_the_last_rounds_of_a_long_recording_are_read(finished: Path) -> None:
    with dumps.open_recordings(finished / "rounds.h5") as recordings:
        recording = recordings["history"]
        last = firings_of("rounds.h5", "history", recording, most=32 * 10)
        assert (last.first, last.length, last.count) == (14, 24, 320)
        assert [mark.label for mark in last.marks] == ["cat", "bird"]
        assert last.areas[1].rounds.min() == 14
        assert firings_of("rounds.h5", "history", recording, MOST_READ).first == 0


def test_a_word_has_one_colour_everywhere(finished: Path) -> None:
    page = document.page_of(gathered(finished))
    raster = next(each for each in page.sections if each.key == "raster").figures[0]
    colours = {key.label: key.colour for key in raster.keys}
    assert list(colours) == ["dog", "cat", "bird", "in no assembly"]
    strip = next(each for each in page.sections if each.key == "assemblies").figures[0]
    glyphs = {each.name: each.glyph.fill_color for each in strip.model.renderers}
    assert glyphs == {word: colours[word].light for word in ("dog", "cat", "bird")}


def test_parts_store_the_brains_that_they_simulate(finished: Path) -> None:
    (brain,) = json.loads((finished / "parts" / "trained-0.json").read_text())["brains"]
    assert [(area["name"], area["n"], area["k"]) for area in brain["areas"]] == [("Ear", 120, 12), ("Lex", 400, 20)]
    assert [(fiber["source"], fiber["rule"]) for fiber in brain["fibers"]] == [
        ("Ear", "Hebbian(beta=0.1, w_max=20.0)"),
        ("Lex", "Hebbian(beta=0.1, w_max=20.0)"),
    ]
    whole, resumed = Noted(), Noted()
    for name in "abcabdefghij":
        whole.add({"name": name})
    for name in "dcefghij":  # a process that resumes after c builds some brains again
        resumed.add({"name": name})
    resumed.precede([{"name": name} for name in "abc"])
    assert [each["name"] for each in whole.brains] == [each["name"] for each in resumed.brains] == [*"abcdefgh"]


def test_a_page_says_how_to_record_its_missing_sections(copied: Path, tmp_path: Path, capsys: Any) -> None:
    for name in ("rounds.h5", "words.h5", "state.h5", "metrics.json"):
        (copied / name).unlink()
    for part in copied.glob("parts/*"):
        part.unlink()
    code, _, errors = reported(copied, tmp_path / "page.html", capsys=capsys)
    assert (code, errors) == (0, "")
    page, text = read(tmp_path / "page.html"), text_of(tmp_path / "page.html")
    assert [each for each in page.ids if each in SECTIONS] == ["costs", "settings"]
    assert "missing" in page.ids
    for cure in ("part.record(", "dumps.write_assemblies(", "sim.save(", "returns them as metrics", "`curve`"):
        assert cure in text, cure


def test_a_run_without_metrics_shows_its_parts(copied: Path, tmp_path: Path, capsys: Any) -> None:
    (copied / "metrics.json").unlink()
    assert reported(copied, tmp_path / "page.html", capsys=capsys)[0] == 0
    page, text = read(tmp_path / "page.html"), text_of(tmp_path / "page.html")
    assert "curves" in page.ids
    assert "scores" not in page.ids
    result = json.loads((copied / "parts" / "trained-1.json").read_text())["result"]
    assert "trained-1" in text
    assert f"{result['kept']:.6g}" in text


@pytest.mark.parametrize("name", ["state.h5", "words.h5", "rounds.h5"])
def test_a_single_file_has_a_page(finished: Path, name: str, tmp_path: Path, capsys: Any) -> None:
    assert reported(finished / name, tmp_path / "page.html", capsys=capsys)[0] == 0
    expected = {"state.h5": {"brain", "weights"}, "words.h5": {"assemblies", "overlaps"}, "rounds.h5": {"raster"}}
    page = read(tmp_path / "page.html")
    assert {each for each in page.ids if each in SECTIONS} == {*expected[name], "settings"}


def test_bad_input_gives_a_one_line_error_with_the_cure(
    finished: Path, copied: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "there.html").write_text("mine")
    (tmp_path / "empty").mkdir()
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes((finished / "words.h5").read_bytes()[:-100])
    said = {
        (tmp_path / "empty", tmp_path / "a.html"): "is a folder without run.json or sweep.json, so no run; give a run",
        (tmp_path / "nothing", tmp_path / "a.html"): "no such file or folder",
        (finished / "run.json", tmp_path / "a.html"): "is no run folder, no state, no dump and no history of brainsim",
        (damaged, tmp_path / "a.html"): "is damaged",
        (finished, tmp_path / "there.html"): "exists already; choose another file, or give --overwrite",
        (finished, tmp_path / "no" / "a.html"): "cannot be written",
    }
    for (run, to), message in said.items():
        code, output, errors = reported(run, to, capsys=capsys)
        assert code in (1, 2)
        assert output == ""
        assert message in errors
        assert errors.count("\n") == 1
    assert (tmp_path / "there.html").read_text() == "mine"
    assert not (tmp_path / "a.html").exists()
    assert reported(finished, tmp_path / "there.html", "--overwrite", capsys=capsys)[0] == 0


def test_a_damaged_file_gives_one_line_and_its_section_is_left_out(copied: Path, tmp_path: Path, capsys: Any) -> None:
    (copied / "words.h5").write_bytes((copied / "words.h5").read_bytes()[:-100])
    (copied / "parts" / "trained-1.json").write_text("{")
    (copied / "metrics.json").write_text('{"kept": ')
    code, _, errors = reported(copied, tmp_path / "page.html", capsys=capsys)
    assert code == 0
    lines = errors.splitlines()
    assert [line.split(":")[1].split()[0] for line in lines] == ["metrics.json", "parts/trained-1.json", "words.h5"]
    assert "brainsim run --resume --out" in lines[0]
    assert all("brainsim check" in line for line in lines[1:])
    page = read(tmp_path / "page.html")
    assert [each for each in page.ids if each in SECTIONS] == ["progress", "brain", "curves", "raster", "weights", "costs", "settings"]  # fmt: skip
    assert "words.h5" in text_of(tmp_path / "page.html")


def test_a_foreign_run_folder_puts_no_markup_into_the_page(tmp_path: Path, capsys: Any) -> None:
    run = hostile(tmp_path)
    code, _, errors = reported(run, tmp_path / "page.html", capsys=capsys)
    assert (code, errors) == (0, "")
    html, page = (tmp_path / "page.html").read_text(), read(tmp_path / "page.html")
    assert page.tags.count("script") == html.count("<script") == page.policy.count("sha256-") + 1
    assert not any(name.startswith("on") for _, attributes in page.attributes for name in attributes)
    assert all(a.get("src", "data:").startswith("data:") for tag, a in page.attributes if tag == "img")
    found = {name for name, data in sources(page.content).items() if name.endswith("marks")}
    assert found
    for word in HOSTILE:
        assert word in text_of(tmp_path / "page.html")


def hostile(place: Path) -> Path:
    """Return a run folder in which all texts are hostile."""
    run = made(place, "--set", f"words={','.join(HOSTILE)}")
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["controls"][HOSTILE[1]] = metrics["controls"]["beta_zero"]
    metrics["by_seed"][HOSTILE[0]] = [0.5, 0.25]
    metrics["curve"][HOSTILE[2]] = metrics["curve"]["trained"]
    metrics[HOSTILE[1]] = HOSTILE[0]
    (run / "metrics.json").write_text(json.dumps(metrics))
    (run / "table.md").write_text("".join(HOSTILE))
    return run


@pytest.mark.slow
def test_malformed_metrics_give_one_line(copied: Path, tmp_path: Path, capsys: Any) -> None:
    forms: list[Any] = [{"by_seed": 3}, {"seed": None, "by_seed": {"a": [1]}}, {"curve": [1, 2]}, {"curve": {"a": {}}}]
    for metrics in forms:
        (copied / "metrics.json").write_text(json.dumps(metrics))
        code, _, errors = reported(copied, tmp_path / "page.html", "--overwrite", capsys=capsys)
        assert code == 0
        assert all("cannot be shown" in line for line in errors.splitlines())
        assert "raster" in read(tmp_path / "page.html").ids


def test_without_bokeh_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "bokeh" else object())
    for command in ("report", "view"):
        code, output, errors = brainsim(command, "anything", capsys=capsys)
        assert (code, output) == (2, "")
        assert errors == "brainsim: reports need bokeh; pip install 'brainsim[report]'\n"


def test_a_port_in_use_gives_a_one_line_error(finished: Path, capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output, errors = brainsim("view", finished, "--port", port, capsys=capsys)
    assert (code, output) == (2, "")
    assert errors == f"brainsim: --port {port}: is in use; choose another, or --port 0 for any that is free\n"


def test_a_live_page_is_served_only_to_this_machine(copied: Path) -> None:
    async def asked() -> None:
        server, listening, client = HTTPServer(application(copied)), listener(0), AsyncHTTPClient()
        server.add_socket(listening)
        address, port = listening.getsockname()
        assert address == "127.0.0.1"
        page = await client.fetch(f"http://127.0.0.1:{port}/")
        assert b"data-live" in page.body
        assert b"connect-src &#39;self&#39;" in page.body
        assert page.headers["X-Frame-Options"] == "DENY"
        unchanged = await client.fetch(f"http://127.0.0.1:{port}/content?seen=1", raise_error=False)
        assert (unchanged.code, unchanged.body) == (204, b"")
        news = json.loads((await client.fetch(f"http://127.0.0.1:{port}/content?seen=0")).body)
        assert news["version"] == 1
        assert 'id="raster"' in news["body"]
        foreign = HTTPRequest(f"http://127.0.0.1:{port}/", headers={"Host": "elsewhere.example"})
        with pytest.raises(HTTPClientError, match="404"):
            await client.fetch(foreign)
        server.stop()
        await server.close_all_connections()

    asyncio.run(asked())


def test_a_live_page_follows_a_history_that_grows(tmp_path: Path) -> None:
    brain = Brain()
    ear, lex = brain.add(Area("Ear", 60, 6, {"dog": range(6)}), Area("Lex", 200, 10))
    brain.connect(ear, lex, p=0.2, plasticity=Hebbian(0.1, w_max=20))
    with Simulator(brain, 1, backend="reference") as sim:
        history = sim.record(lex, to=tmp_path / "lex.h5", every=4)
        sim.present(ear["dog"])
        sim.run(ear >> lex, rounds=4)
        live = Live(tmp_path / "lex.h5")
        live.look()
        first = json.loads(live.content)
        sim.run(ear >> lex, rounds=4)
        live._rest = 0.0
        live.look()
        second = json.loads(live.content)
        history.stop()
    rounds = [sources(each)["raster-0-0--1"]["x"].max() for each in (first, second)]
    assert rounds == [3, 7]
    assert first["structure"] == second["structure"], "an open page then replaces only its data"
    assert (first["version"], second["version"]) == (1, 2)


def test_colours_are_distinguishable_in_colour_blindness() -> None:
    for theme in ("light", "dark"):
        few = [getattr(each, theme) for each in drawing.FEW]
        panel = getattr(drawing.PANEL, theme)
        assert least_distance(few) > 20, "about ten times the just noticeable difference"
        assert min(contrast(each, panel) for each in (*few, getattr(drawing.OTHERS, theme))) >= 3
        assert contrast(getattr(drawing.INK, theme), panel) >= 7
    okabe = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"]
    assert least_distance(["#d62728", "#2ca02c", "#1f77b4"]) < least_distance(okabe), "red and green are closer"


def test_objects_have_html_views_for_notebooks(finished: Path, recwarn: pytest.WarningsRecorder) -> None:
    brain = Brain()
    ear, lex = brain.add(Area("Ear", 60, 6, {"dog": range(6)}), Area("Lex", 200, 10))
    brain.connect(ear, lex, p=0.2)
    with Simulator(brain, 1, backend="reference") as sim:
        recording = sim.record()
        recording.mark("<b>dog")
        assert "<td>fires</td>" not in sim._repr_html_()
        sim.present(ear["dog"])
        sim.run(ear >> lex, rounds=3)
        shown = [sim._repr_html_(), recording._repr_html_(), sim.assembly(lex, "<b>dog")._repr_html_()]
        assert shown[0].count("<td>fires</td>") == 2
    shown += [sim._repr_html_(), Assembly("Lex", [])._repr_html_(), show(finished)._repr_html_()]
    for html in shown:
        assert html.startswith("<div><b>")
        assert "<b>dog" not in html
        assert len(html) < 20_000
    assert "&lt;b&gt;dog" in shown[1]
    assert shown[1].count("M") == 6 * 3 + 10 * 3, "one dot for each firing of a short recording"
    assert "closed" in shown[3]
    assert "<svg" in brain._repr_svg_()
    assert not recwarn.list


def test_the_command_line_does_not_import_the_packages_of_reports() -> None:
    code = "import sys, brainsim.cli.main; print([m for m in ('bokeh', 'tornado', 'jinja2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
