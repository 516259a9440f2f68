"""Reports opened in headless Chromium: figures, keyboard and pointer, and messages of the console."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import psutil
import pytest
from PIL import Image
from test_report import hostile, made

from brainsim import Area, dumps
from brainsim.simulate.recordings.recording import Recording
from browser import chromium, complaints, resize, why_not
from reported import HOSTILE, STUDY

pytest.importorskip("bokeh", reason="Bokeh is not installed: pip install 'brainsim[report]'")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

Pixels = npt.NDArray[np.int64]
DRAWN = 120.0  # seconds, on a busy machine

# Tests query the page through the interface of BokehJS for scripts.
MODEL = "const find = (name) => [...Bokeh.documents].reverse().map((d) => d.get_model_by_name(name)).find(Boolean);"
PLACES = """
const view = [...Bokeh.index.roots].map((root) => [...root.child_views ?? [], root]).flat()
  .find((each) => each.frame !== undefined && each.model.x_range.name === arguments[0]);
const box = view.canvas_view.el.getBoundingClientRect();
const [xs, ys] = [view.frame.x_scale, view.frame.y_scale];
return arguments[1].map(([x, y]) => [box.x + scrollX + xs.compute(x), box.y + scrollY + ys.compute(y)]);
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    from brainsim.studies import reporting

    reporting.report(run, run.parent / "page.html")
    return (run.parent / "page.html").as_uri()


def opened(browser: Chrome, address: str) -> None:
    """Open a page and wait until its figures are drawn."""
    browser.get(address)
    until(lambda: browser.execute_script("return document.body.dataset.drawn === 'yes'"))
    until(lambda: browser.execute_script("return Bokeh.documents.every((each) => each.is_idle)"))


def until(condition: Callable[[], Any], seconds: float = DRAWN) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.1)


def whole(browser: Chrome) -> Pixels:
    """Return the pixels of the whole page."""
    width, height = browser.execute_script("return [innerWidth, document.documentElement.scrollHeight]")
    resize(browser, width, height)
    time.sleep(1.5)  # figures are drawn again after a change of size
    pixels = np.asarray(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")).astype(np.int64)
    return pixels


def places(browser: Chrome, range_name: str, points: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Return the positions of points of a raster on the page, in pixels."""
    found = browser.execute_script(PLACES, range_name, points)
    return [(round(x), round(y)) for x, y in found]


def window(browser: Chrome, name: str = "raster-0") -> list[float]:
    return list(browser.execute_script(MODEL + "const r = find(arguments[0]); return [r.start, r.end];", name))


def focused(browser: Chrome, selector: str) -> Any:
    element = browser.find_element("css selector", selector)
    browser.execute_script("arguments[0].focus()", element)
    return element


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [300, 1600])
def test_a_page_fits_its_window_and_its_theme(page: str, width: int, dark: bool) -> None:
    with chromium(width, dark=dark) as browser:
        opened(browser, page)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        sizes = browser.execute_script(
            "return [...document.querySelectorAll('.plot')].map((each) => [each.clientWidth, each.clientHeight])"
        )
        assert len(sizes) >= 6
        assert all(200 <= wide <= width and high >= 100 for wide, high in sizes)
        pixels = whole(browser)
        assert complaints(browser) == []
    brightness = pixels.mean(axis=2)
    assert np.median(brightness) < 50 if dark else np.median(brightness) > 230
    assert ((pixels.max(axis=2) - pixels.min(axis=2)) > 60).sum() > 1000, "something coloured is drawn"


def colours_of(browser: Chrome) -> dict[str, tuple[int, int, int]]:
    """Return the colours of the legend of the raster."""
    script = """return Object.fromEntries([...document.querySelectorAll('[data-figure="raster-0"] label')].map(
      (each) => [each.textContent, getComputedStyle(each.querySelector('.swatch')).borderTopColor]));"""
    found = browser.execute_script(script)
    return {name: tuple(map(int, re.findall(r"\d+", text)[:3])) for name, text in found.items()}  # type: ignore[misc]


@pytest.mark.parametrize(("dark", "webgl"), [(False, True), (True, False)], ids=["light-webgl", "dark-canvas"])
def test_the_raster_has_dots_where_neurons_fire_and_none_elsewhere(
    run: Path, page: str, dark: bool, webgl: bool
) -> None:
    recording = dumps.read_recordings(run / "rounds.h5")["history"]
    assemblies = dumps.read_assemblies(run / "words.h5")["Lex"]
    winners = recording.winners("Lex")
    with chromium(1400, dark=dark, webgl=webgl) as browser:
        opened(browser, page)
        colours = colours_of(browser)
        heights = dict(
            zip(*browser.execute_script(MODEL + """
              const pairs = [0, 1, 2, -1].map((group) => find(`raster-0-1-${group}`)).map(
                (source) => [[...source.get_column("neuron")], [...source.get_column("y")]]);
              return [pairs.flatMap((each) => each[0]), pairs.flatMap((each) => each[1])];"""), strict=True)
        )  # fmt: skip
        pixels = whole(browser)
        fired = [(number, neuron) for number, won in enumerate(winners) for neuron in won.tolist()]
        at = places(browser, "raster-0", [(number, heights[neuron]) for number, neuron in fired])
        between = places(browser, "raster-0", [(number + 0.5, heights[neuron]) for number, neuron in fired[:-20]])
    assert set(heights) == {neuron for _, neuron in fired}
    first = {neuron: label for label, each in reversed(assemblies.items()) for neuron in each}
    right = [
        np.abs(pixels[y, x] - np.array(colours[first.get(neuron, "in no assembly")])).max() < 40
        for (_, neuron), (x, y) in zip(fired, at, strict=True)
    ]
    # Dots are larger than the distance between neurons, so dots of one assembly cover some of the next.
    assert np.mean(right) > 0.9
    ground = pixels[between[0][1], between[0][0]]
    empty = [np.abs(pixels[y, x] - ground).max() < 40 for x, y in between]
    assert np.mean(empty) > 0.99
    assert all(np.abs(np.array(colour) - ground).max() > 60 for colour in colours.values())


def test_the_keyboard_alone_moves_the_window(page: str, browser: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, page)
    assert window(browser) == [-0.5, 23.5]
    reached = []
    browser.execute_script("document.activeElement.blur()")
    for _ in range(80):  # more than the page has elements that Tab reaches
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.execute_script(
            "const e = document.activeElement; return e.closest('.scrub') ? e.tagName + (e.dataset.move ?? '') : '';"
        ))  # fmt: skip
    assert [each for each in reached if each] == ["BUTTON-1", "INPUT", "BUTTON1", "SELECT"]
    focused(browser, ".scrub select").send_keys("10")
    assert window(browser) == [-0.5, 9.5]
    focused(browser, ".scrub input").send_keys(Keys.ARROW_RIGHT * 3)
    assert window(browser) == [2.5, 12.5]
    said = browser.find_element("css selector", ".scrub output").text
    assert said == "rounds 3 to 12 of 24; dog, cat"
    focused(browser, '.scrub button[data-move="1"]').send_keys(Keys.ENTER)
    assert window(browser) == [7.5, 17.5]
    focused(browser, ".scrub input").send_keys(Keys.END)
    assert window(browser) == [13.5, 23.5], "the last rounds"
    assert complaints(browser) == []


def test_the_keyboard_hides_an_assembly_through_the_legend(page: str, browser: Chrome) -> None:
    from selenium.webdriver.common.keys import Keys

    opened(browser, page)
    visible = (
        MODEL
        + """const source = find("raster-0-1-0");
      return Bokeh.documents.at(-1).all_roots.flatMap((root) => [...root.references()])
        .filter((each) => each.data_source === source).map((each) => each.visible);"""
    )
    assert browser.execute_script(visible) == [True]
    focused(browser, '[data-figure="raster-0"] [data-key="dog"]').send_keys(Keys.SPACE)
    assert browser.execute_script(visible) == [False]
    focused(browser, '[data-figure="raster-0"] [data-key="dog"]').send_keys(Keys.SPACE)
    assert browser.execute_script(visible) == [True]


def test_the_pointer_shows_neuron_and_assembly_of_a_firing(run: Path, page: str, browser: Chrome) -> None:
    from selenium.webdriver import ActionChains

    opened(browser, page)
    source = MODEL + 's = find("raster-0-1-0"); return ["x", "y", "neuron"].map((name) => s.get_column(name)[40]);'
    number, height, neuron = browser.execute_script("let s;" + source)
    browser.execute_script("document.getElementById('raster-0').scrollIntoView()")
    ((x, y),) = places(browser, "raster-0", [(number, height)])
    dx, dy = browser.execute_script("return [scrollX, scrollY]")
    actions = ActionChains(browser)
    actions.w3c_actions.pointer_action.move_to_location(int(x - dx), int(y - dy))
    actions.perform()
    tips = """const texts = [];
      const look = (node) => {
        for (const each of node.querySelectorAll("*")) {
          if (each.classList.contains("bk-Tooltip") || each.classList.contains("bk-tooltip-content")) texts.push(each.shadowRoot?.textContent ?? each.textContent);
          if (each.shadowRoot) look(each.shadowRoot);
        }
      };
      look(document);
      return texts.join(" ");"""
    until(lambda: browser.execute_script(tips), 20)
    said = browser.execute_script(tips)
    assert "dog (Lex)" in said
    assert str(neuron) in said


def test_a_foreign_run_folder_is_shown_as_text(tmp_path: Path, browser: Chrome) -> None:
    from brainsim.studies import reporting

    reporting.report(hostile(tmp_path), tmp_path / "page.html")
    opened(browser, (tmp_path / "page.html").as_uri())
    whole(browser)
    assert browser.execute_script("return document.title") == "out"
    assert complaints(browser) == []
    legend = browser.execute_script(
        "return [...document.querySelectorAll('.keys label')].map((each) => each.textContent)"
    )
    assert all(any(word in each for each in legend) for word in HOSTILE)
    assert browser.execute_script("return document.querySelectorAll('main script, main img[src=x]').length") == 0


def seconds_of(browser: Chrome) -> float:
    """Return the processor time that the processes of a browser have taken so far."""
    processes = psutil.Process(browser.service.process.pid).children(recursive=True)
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def test_a_hundred_thousand_firings_move_smoothly(tmp_path: Path, browser: Chrome) -> None:
    """A step of the window is drawn in a fraction of a second, also without a GPU; docs/howto/report.md has figures."""
    from brainsim.studies import reporting

    rng, areas = np.random.default_rng(1), [Area("A", 10_000, 50), Area("B", 10_000, 50)]
    recording = Recording(areas, seed=1)
    for number in range(1000):
        if number % 100 == 0:
            recording.mark(f"word {number // 100}")
        recording.append({area.name: np.sort(rng.choice(area.n, area.k, replace=False)) for area in areas})
    dumps.write_assemblies(tmp_path / "many.h5", [], {"many": recording})
    report = reporting.report(tmp_path / "many.h5", tmp_path / "many.html")
    assert report.size < 4_000_000
    resize(browser, 1200, 1000)
    opened(browser, (tmp_path / "many.html").as_uri())
    browser.set_script_timeout(DRAWN)
    before = seconds_of(browser)
    milliseconds = browser.execute_async_script(MODEL + """
      const range = find("raster-0"), done = arguments[0], times = [];
      const step = (number) => {
        if (number === 40) return done(times);
        const began = performance.now();
        range.setv({ start: 10 * number, end: 10 * number + 300 });
        requestAnimationFrame(() => requestAnimationFrame(() => { times.push(performance.now() - began); step(number + 1); }));
      };
      step(0);""")  # fmt: skip
    taken = (seconds_of(browser) - before) / len(milliseconds)
    print(f"a step: {taken:.3f} s of processor time, {np.median(milliseconds):.0f} ms; page {report.size / 1e6:.2f} MB")
    assert len(milliseconds) == 40
    assert taken < 0.25, "processor time, because other work on the machine delays the browser"
    assert complaints(browser) == []


def followed(browser: Chrome, said: str) -> None:
    """Open the live page of a run in progress, and wait until the run has finished."""
    assert re.match(r"http://127\.0\.0\.1:\d+/ shows out", said)
    opened(browser, said.split(maxsplit=1)[0])
    browser.execute_script("window.sentinel = 1")
    until(lambda: browser.execute_script("return document.querySelector('#raster') !== null"))
    until(lambda: "running" in browser.find_element("css selector", "header").text)
    before = window(browser)[1]
    until(lambda: window(browser)[1] > before)
    until(lambda: browser.execute_script("return document.querySelector('#scores') !== null"))
    until(lambda: "finished" in browser.find_element("css selector", "header").text)
    until(lambda: window(browser) == [-0.5, 23.5])
    assert browser.execute_script("return window.sentinel") == 1
    assert complaints(browser) == []


def test_a_live_page_follows_a_run_to_its_end(tmp_path: Path, browser: Chrome) -> None:
    """The page shows new rounds and scores without a reload."""
    file = tmp_path / "study.py"
    file.write_text(STUDY)
    command = [sys.executable, "-m", "brainsim"]
    study = subprocess.Popen(
        [*command, "run", str(file), "--jobs", "1", "--backend", "reference", "--out", "out", "--set", "pause=1.5"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: list(tmp_path.glob("out/parts/*.rounds.*.h5")))
        command = [*command, "view", "out", "--port", "0"]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as view:
            try:
                assert view.stdout is not None
                followed(browser, view.stdout.readline())
            finally:
                view.send_signal(signal.SIGINT)
            assert view.wait(30) == 0
        until(lambda: "No longer live" in browser.find_element("css selector", "#status").text)
        browser.get_log("browser")
    finally:
        assert study.wait(120) == 0


def test_the_graph_of_the_brain_names_its_fibers(run: Path, page: str, browser: Chrome) -> None:
    opened(browser, page)
    names = browser.execute_script("""return Bokeh.documents.at(-1).all_roots.flatMap((root) => [...root.references()])
      .filter((each) => each.type === "ColumnDataSource" && each.columns().includes("graph"))
      .flatMap((each) => [...each.get_column("fiber")]);""")
    assert sorted(names) == ["Ear → Lex", "Lex → Lex"]
