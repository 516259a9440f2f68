"""Metrics as the lines that a terminal shows."""

from __future__ import annotations

from typing import Any

_NOT_SHOWN = (
    "parameters",
    "published",
    "lazy",
    "intervals_95",
    "by_p",
    "by_size",
    "by_rounds",
)  # metrics.json has them


def summary(metrics: dict[str, Any]) -> str:
    """Return the scores as lines, with the chance level and the controls beside them."""
    lines: list[tuple[str, str]] = []
    for name, value in metrics.items():
        if value is None and ("interval" in name or name == "peak_rss_mb"):  # of one seed; not told by the system
            continue
        if value is None or isinstance(value, int | float | str):
            lines.append((name, _shown(value)))
        elif name == "chance" and isinstance(value, dict):
            lines.append((name, ", ".join(f"{measure} {_shown(level)}" for measure, level in value.items())))
        elif name == "controls" and isinstance(value, dict):
            for control, scores in value.items():
                lines += [(f"control {control}", text) for text in _numbers(scores)]
        elif isinstance(value, dict) and name not in _NOT_SHOWN:
            lines += [(name, text) for text in _numbers(value)]
    width = max((len(name) for name, _ in lines), default=0)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)


def _numbers(scores: Any) -> list[str]:
    """Return the numbers among some scores as a line, and those one level below as lines of their own."""
    if not isinstance(scores, dict):
        return [_shown(scores)] if isinstance(scores, int | float) else []
    own = {measure: score for measure, score in scores.items() if isinstance(score, int | float)}
    lines = [", ".join(f"{measure} {_shown(score)}" for measure, score in own.items())] if own else []
    for measure, score in scores.items():
        if isinstance(score, dict) and score and all(isinstance(number, int | float) for number in score.values()):
            lines.append(f"{measure}: " + ", ".join(f"{setting} {_shown(each)}" for setting, each in score.items()))
    return lines


def _shown(value: Any) -> str:
    return "not reached" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
