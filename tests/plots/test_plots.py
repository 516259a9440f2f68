"""Pictures show the given data on the given axes, open no window, and change no setting of matplotlib."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import Polygon
from matplotlib.text import Text

from brainsim import Area, Assembly, Brain, Hebbian, Region
from brainsim.errors import DeclarationError, UnknownNameError
from brainsim.plots import (
    Curve,
    brain_svg,
    convergence_curve,
    draw_brain,
    learning_curve,
    overlap_heatmap,
    raster,
    support_curve,
    weight_histogram,
)
from brainsim.plots._colours import distinct
from brainsim.simulate.recordings.recording import Recording


@pytest.fixture
def ax() -> Any:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture(autouse=True)
def no_restyling() -> Any:
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


def recorded() -> Recording:
    recording = Recording([Area("A", 100, 3), Area("B", 50, 2)])
    for label, winners in (("dog", ([1, 2, 3], [5, 6])), ("cat", ([7, 8, 9], [5, 9]))):
        recording.mark(label)
        for _ in range(2):
            recording.append({name: np.array(w) for name, w in zip("AB", winners, strict=True)})
    return recording


def test_raster_sorts_neurons_by_assembly(ax: Any) -> None:
    assert raster(recorded(), [Assembly("A", [7, 8, 9], "cat"), Assembly("A", [1, 2, 3], "dog")], ax=ax) is ax
    assert {text.get_text() for text in ax.texts} == {"dog", "cat"}
    assert [label.get_text().split("\n")[0] for label in ax.get_yticklabels()] == ["B", "A"]
    points = [line.get_xydata() for line in ax.lines if line.get_marker() == "."]
    band_a = [p for p in points if len(p) and p[:, 1].min() >= 1]
    assert [set(p[:, 0]) for p in band_a] == [{2, 3}, {0, 1}]
    assert band_a[0][:, 1].max() < band_a[1][:, 1].min()
    assert sum(map(len, points)) == 2 * (3 + 3) + 2 * (2 + 2)


def test_heatmap_shows_overlaps_and_chance(ax: Any) -> None:
    rows = [Assembly("A", [1, 2], "x"), Assembly("A", [2, 3], "y")]
    assert overlap_heatmap(rows, chance=0.02, ax=ax) is ax
    assert ax.images[0].get_array().tolist() == [[1, 0.5], [0.5, 1]]
    bar = ax.get_figure().axes[-1]
    assert "chance 0.02" in [text.get_text() for text in bar.texts]
    with pytest.raises(DeclarationError, match="at least one assembly"):
        overlap_heatmap([])


def test_learning_curve_draws_means_and_controls(ax: Any) -> None:
    curves = [Curve("trained", [0, 10], [[0, 1], [0.5, 1]]), Curve("untrained", [0, 10], [[0.5, 0.5]], control=True)]
    assert learning_curve(curves, chance=0.5, criterion=0.75, ax=ax) is ax
    assert ax.lines[0].get_ydata().tolist() == [0.25, 1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["trained", "control: untrained"]
    assert {text.get_text() for text in ax.texts} == {"chance 0.5", "criterion 0.75"}


def test_a_brain_is_drawn_on_axes_and_as_svg(ax: Any) -> None:
    brain = Brain()
    a, b = brain.add(Area("A", 100, 3), Area("B", 50, 2))
    brain.connect(a, b, 0.1, Hebbian(0.1))
    brain.connect(a, a, 0.1)
    assert draw_brain(brain, ax=ax) is ax
    assert len(ax.patches) == 2
    assert brain.draw(ax=ax) is ax
    assert "<svg" in brain_svg(brain)
    assert brain._repr_svg_().count("<svg") == 1


def test_long_labels_are_shortened(ax: Any) -> None:
    labels = [
        f"a label of {number} that would fill the whole picture if it were drawn as long as it is: {number}"
        for number in range(3)
    ]
    found = [Assembly("Lex", [number], label) for number, label in enumerate(labels)]
    ax = overlap_heatmap(found, ax=ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == [text.get_text() for text in ax.get_xticklabels()]
    assert all(len(text.get_text()) == 20 for text in ax.get_yticklabels())
    assert len({text.get_text() for text in ax.get_yticklabels()}) == 3
    recording = Recording([Area("Lex", 10, 1)])
    recording.mark(labels[0])
    assert labels[0][:10] in "".join(texts_of(support_curve(recording)))
    assert labels[0] not in texts_of(support_curve(recording))


@pytest.mark.parametrize("areas", range(1, 7))
def test_all_arrows_lie_within_the_drawing(ax: Any, areas: int) -> None:
    brain = Brain()
    for number in range(areas):
        area = brain.add(Area(f"A{number}", 100, 3))
        brain.connect(area, area, 0.1)
    draw_brain(brain, ax=ax)
    ax.figure.canvas.draw()
    inside = ax.get_window_extent()
    for arrow in ax.patches:
        bounds = arrow.get_path().transformed(arrow.get_transform()).get_extents()
        assert inside.x0 < bounds.x0 < bounds.x1 < inside.x1
        assert inside.y0 < bounds.y0 < bounds.y1 < inside.y1


def positions(ax: Any) -> dict[str, np.ndarray]:
    """Return the position at which each area is drawn, by its name."""
    return {
        text.get_text().split("\n")[0]: np.array(text.get_position()) for text in ax.texts if "n=" in text.get_text()
    }


@pytest.mark.parametrize(("before", "parts", "after"), [(2, 3, 1), (1, 1, 1), (0, 4, 0), (0, 2, 3)])
def test_a_region_is_drawn_as_one_frame_around_its_areas_alone(ax: Any, before: int, parts: int, after: int) -> None:
    brain, region = Brain(), Region("Hippocampus")
    region.add(*(Area(f"P{i}", 100, 5) for i in range(parts)))
    for number in range(before):
        brain.add(Area(f"before{number}", 100, 5))
    brain.add(region)
    for number in range(after):
        brain.add(Area(f"after{number}", 100, 5))
    brain.draw(ax=ax)
    outer, inner = (patch for patch in ax.patches if isinstance(patch, Polygon))
    assert outer.get_linewidth() > inner.get_linewidth() > 2 * np.sqrt(2600 / np.pi)  # wider than the circle of an area
    corners = {tuple(np.round(corner, 2)) for corner in inner.get_xy()}
    places = positions(ax)
    assert list(places) == [f"before{i}" for i in range(before)] + [f"P{i}" for i in range(parts)] + [
        f"after{i}" for i in range(after)
    ]
    assert corners == {tuple(np.round(place, 2)) for name, place in places.items() if name.startswith("P")}
    assert [text.get_text() for text in ax.texts].count("Hippocampus") == 1
    gaps = np.linalg.norm(np.diff([*places.values()], axis=0), axis=1)
    if before and parts > 1:
        assert gaps[before - 1] > gaps[before]


def test_areas_without_a_region_are_placed_evenly_on_a_circle(ax: Any) -> None:
    brain = Brain()
    brain.add(*(Area(name, 100, 5) for name in "ABCD"))
    brain.draw(ax=ax)
    wanted = {"A": (0, 1), "B": (1, 0), "C": (0, -1), "D": (-1, 0)}
    assert {name: tuple(np.round(place, 9)) for name, place in positions(ax).items()} == wanted
    assert not ax.patches


def test_without_axes_a_picture_gets_a_new_figure() -> None:
    current = plt.figure()
    figures = [raster(recorded()).get_figure(), draw_brain(Brain()).get_figure()]
    assert not current.axes
    assert len({id(figure) for figure in (current, *figures)}) == 3


ODD = ["Ba$$in", "$_$", "a$b$c", "100 %", "_hidden", "a_b^c", "<b>&", "{0}", "\\alpha"]


def texts_of(ax: Any) -> list[str]:
    """Draw some axes; return the texts that are drawn literally, which excludes formulas."""
    ax.get_figure().savefig(io.BytesIO(), format="png")
    drawn = [text for text in ax.findobj(Text) if text.get_visible() and text.get_text()]
    return [text.get_text() for text in drawn if not text.get_parse_math()]


class TestTexts:
    """Labels are drawn literally, never read as a formula, a format or a command."""

    @pytest.mark.parametrize("label", ODD)
    def test_labels_of_marks_and_assemblies_are_drawn_literally(self, label: str) -> None:
        recording = Recording([Area("A", n=10, k=3)])
        recording.mark(label)
        recording.append({"A": np.arange(3)})
        assert label in texts_of(raster(recording, [Assembly("A", [0, 1], label)]))
        assert texts_of(overlap_heatmap([Assembly("A", [0, 1], label)])).count(label) == 2
        assert label in texts_of(learning_curve([Curve(label, [0, 1], [[0, 1]])]))

    @pytest.mark.parametrize("name", ODD)
    def test_names_of_areas_are_drawn_literally(self, name: str) -> None:
        brain = Brain()
        area = brain.add(Area(name, n=10, k=3))
        brain.connect(area, area, p=0.1)
        assert any(text.startswith(name) for text in texts_of(draw_brain(brain)))
        assert brain._repr_svg_().rstrip().endswith("</svg>")

    def test_of_many_labels_only_as_many_are_drawn_as_are_legible(self) -> None:
        words = [f"word{number}" for number in range(100)]
        assemblies = [Assembly("A", range(5 * at, 5 * at + 5), word) for at, word in enumerate(words)]
        recording = Recording([Area("A", n=1000, k=5)])
        for assembly in assemblies:
            recording.mark(assembly.label)
            recording.append({"A": assembly.neurons})
        for ax, most in ((raster(recording, assemblies), 70), (overlap_heatmap(assemblies), 80)):
            drawn = [text for text in texts_of(ax) if text in words]
            assert 10 < len(drawn) <= most
            assert drawn[0] == "word0"
        few = overlap_heatmap(assemblies[:8])
        assert [label.get_text() for label in few.get_xticklabels()] == words[:8]


class TestConvergence:
    def test_convergence_shows_the_overlap_with_the_previous_and_the_last_round(self, ax: Any) -> None:
        assert convergence_curve(recorded(), ["A"], ax=ax) is ax
        before, last = ax.lines[:2]
        (chance,) = [line for line in ax.lines if line.get_linestyle() == ":"]
        assert before.get_xydata().tolist() == [[1, 1], [2, 0], [3, 1]]
        assert last.get_xydata().tolist() == [[0, 0], [1, 0], [2, 1], [3, 1]]
        assert chance.get_ydata() == [0.03, 0.03]
        names = [text.get_text() for text in ax.get_legend().get_texts()]
        assert names == ["A", "with the round before", "with the last round", "chance, k / n = 0.03"]
        assert {text.get_text() for text in ax.texts} == {"dog", "cat"}

    def test_the_support_counts_the_neurons_that_have_fired(self, ax: Any) -> None:
        support_curve(recorded(), ax=ax)
        assert [line.get_ydata().tolist() for line in ax.lines[:2]] == [[3, 3, 6, 6], [2, 2, 3, 3]]
        with pytest.raises(UnknownNameError, match="'C'"):
            support_curve(recorded(), ["C"])

    def test_rounds_in_which_no_neuron_fires_have_no_overlap_and_no_support(self, ax: Any) -> None:
        recording = Recording([Area("A", 10, 3)])
        for winners in ([], [1, 2], [], []):
            recording.append({"A": np.array(winners, np.int64)})
        convergence_curve(recording, ax=ax)
        assert ax.lines[0].get_ydata().tolist() == [0, 0, 0]
        assert support_curve(recording).lines[0].get_ydata().tolist() == [0, 2, 2, 2]
        assert convergence_curve(Recording([Area("A", 10, 3)])).get_xlabel() == "round"


def test_weights_are_counted_in_bins(ax: Any) -> None:
    assert weight_histogram({"_a->b": [1.0, 1.0, 2.0], "b->b": [3.0], "c": []}, bins=2, ax=ax) is ax
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[1.5, 2], [2.5, 1]], [[2.5, 1]]]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["_a->b\n3 synapses, 1 to 2", "b->b\n1 synapses, 3 to 3"]
    assert ax.get_yscale() == "log"
    with pytest.raises(DeclarationError, match="at least one weight"):
        weight_histogram({"c": []})
    for nonsense in ([1, 2], {"a": ["x"]}, {"a": [np.nan]}, {1: [1.0]}, None):
        with pytest.raises(DeclarationError, match=r"weight_histogram.weights: must be a mapping"):
            weight_histogram(nonsense)  # type: ignore[arg-type]


def test_a_label_has_one_colour_in_all_areas(ax: Any) -> None:
    dogs = [Assembly("A", [1, 2, 3], "dog"), Assembly("B", [5], "cat"), Assembly("B", [6, 9], "dog")]
    raster(recorded(), dogs, ax=ax)
    drawn = [line for line in ax.lines if line.get_marker() == "." and len(line.get_xydata())]
    colours = [line.get_color() for line in drawn]
    assert len(set(colours)) == 3, "dog, cat and the neurons of no assembly"
    legend = dict(zip(("dog", "cat", "in no assembly"), ax.get_legend().legend_handles, strict=True))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(legend)
    band_a = [line for line in drawn if line.get_ydata().min() >= 1]
    assert band_a[0].get_color() == legend["dog"].get_color()


def test_firings_that_the_mark_does_not_name_are_faded(ax: Any) -> None:
    """Neuron 5 of B belongs to "cat" and fires after both marks; neurons 6 and 9 belong to no assembly."""
    raster(recorded(), [Assembly("A", [1, 2, 3], "dog"), Assembly("B", [5], "cat")], fade=True, ax=ax)
    drawn = [line for line in ax.lines if line.get_marker() == "." and len(line.get_xydata())]
    strong, faded = (
        {tuple(sorted(set(line.get_xdata()))) for line in drawn if (line.get_alpha() == 1) == full}
        for full in (True, False)
    )
    assert strong == {(0, 1), (2, 3)}, "dog in A after the mark dog, cat in B after the mark cat"
    assert faded == {(0, 1), (2, 3), (0, 1, 2, 3)}, "cat in B after the mark dog, and neurons of no assembly"


def test_small_heatmaps_have_numbers() -> None:
    rows = [Assembly("A", [1, 2], "x"), Assembly("A", [2, 3], "y")]
    assert [text.get_text() for text in overlap_heatmap(rows).texts] == ["1.00", "0.50", "0.50", "1.00"]
    many = [Assembly("A", [number], str(number)) for number in range(11)]
    assert not overlap_heatmap(many).texts


def test_any_number_of_colours_are_distinct() -> None:
    for count in (0, 1, 7, 8, 40):
        assert len(set(distinct(count))) == count


def test_another_legend_of_a_learning_curve_has_the_names_of_its_curves() -> None:
    _, ax = plt.subplots()
    learning_curve([Curve("trained", [1, 2], [0.1, 0.9]), Curve("beta zero", [1, 2], [0.1, 0.1], control=True)], ax=ax)
    ax.plot([1, 2], [0.2, 0.8], "o", label="published")
    texts = [text.get_text() for text in ax.legend().get_texts()]
    assert texts == ["trained", "control: beta zero", "published"]
