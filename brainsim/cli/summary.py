"""Metrics as lines for a terminal."""

from __future__ import annotations

from typing import Any

from brainsim.studies.metrics import declared_range

_NOT_SHOWN = (
    "parameters",
    "published",
    "lazy",
    "intervals_95",
    "by_seed",
    "by_p",
    "by_size",
    "by_rounds",
    "labels",
    "ranges",
)
"""Metrics that only metrics.json has."""

_LABELS = {"peak_rss_mb": "most memory of all processes, MiB", "jobs": "processes"}


def summary(metrics: dict[str, Any]) -> str:
    """Return the scores as lines, with their intervals over seeds, the chance level and the controls beside them."""
    lines: list[tuple[str, str]] = []
    for name, value in metrics.items():
        if value is None and ("interval" in name or name == "peak_rss_mb"):  # with one seed, or unknown to the system
            continue
        if value is None or isinstance(value, int | float | str):
            lines.append((_label(metrics, name), _over_seeds(metrics, name, value) + _of_controls(metrics, name)))
        elif name == "chance" and isinstance(value, dict):
            lines.append((name, ", ".join(f"{measure} {_shown(level)}" for measure, level in value.items())))
        elif name == "controls" and isinstance(value, dict):
            for control, scores in value.items():
                lines += [(f"control {control}", text) for text in _numbers(_other_scores(scores, metrics))]
        elif isinstance(value, dict) and name not in _NOT_SHOWN:
            lines += [(_label(metrics, name), text) for text in _numbers(value)]
    if any(_interval(metrics, name) for name in metrics):
        lines.append(
            ("[low, high]", "95 % interval of the mean over seeds, within the possible range where that is known")
        )
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)


def _label(metrics: dict[str, Any], name: str) -> str:
    """Return the label of a metric: that of the experiment, or its name."""
    return str(_item(metrics, "labels", name) or _LABELS.get(name) or name.replace("_", " "))


def _over_seeds(metrics: dict[str, Any], name: str, value: Any) -> str:
    """Return a value with its interval, or the number of seeds that have a value if not all do."""
    interval, seeds = _interval(metrics, name), _item(metrics, "by_seed", name)
    if interval:
        return f"{_shown(value)} [{', '.join(_shown(float(end)) for end in interval)}]"
    if value is None and isinstance(seeds, list) and seeds:
        reached = [_shown(each) for each in seeds if each is not None]
        return f"{len(reached) or 'none'} of {len(seeds)} seeds" + (f" ({', '.join(reached)})" if reached else "")
    return _shown(value)


def _of_controls(metrics: dict[str, Any], name: str) -> str:
    """Return what the controls have of a score, to stand beside it."""
    controls = metrics.get("controls")
    if not isinstance(controls, dict):
        return ""
    found = {control: _item(controls, control, name) for control in controls}
    texts = [f"{control} {_shown(score)}" for control, score in found.items() if isinstance(score, int | float)]
    return f"; controls: {', '.join(texts)}" if texts else ""


def _other_scores(scores: Any, metrics: dict[str, Any]) -> Any:
    """Return the scores of a control that do not stand beside those of the study."""
    if not isinstance(scores, dict):
        return scores
    return {name: score for name, score in scores.items() if isinstance(metrics.get(name, {}), dict | list)}


def _interval(metrics: dict[str, Any], name: str) -> list[float] | None:
    """Return the interval of a score within its range, if the metrics have them."""
    interval = _item(metrics, "intervals_95", name)
    pair = isinstance(interval, list) and len(interval) == 2
    if not pair or not all(isinstance(end, int | float) for end in interval):
        return None
    least, most = declared_range(metrics, name) or (None, None)
    low, high = map(float, interval)
    return [low if least is None else max(low, least), high if most is None else min(high, most)]


def _item(metrics: dict[str, Any], group: str, name: str) -> Any:
    found = metrics.get(group)
    return found.get(name) if isinstance(found, dict) else None


def _numbers(scores: Any) -> list[str]:
    """Return the numbers among some scores as a line, and those one level below as separate lines."""
    if not isinstance(scores, dict):
        return [_shown(scores)] if isinstance(scores, int | float) else []
    own = {measure: score for measure, score in scores.items() if isinstance(score, int | float)}
    lines = [", ".join(f"{measure} {_shown(score)}" for measure, score in own.items())] if own else []
    for measure, score in scores.items():
        if isinstance(score, dict) and score and all(isinstance(number, int | float) for number in score.values()):
            lines.append(f"{measure}: " + ", ".join(f"{setting} {_shown(each)}" for setting, each in score.items()))
    return lines


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
