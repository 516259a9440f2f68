"""Records as an aligned table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brainsim.bench.engine import OURS
from brainsim.bench.measure import Record

_HEAD = ("engine", "n", "k", "p", "threads", "seconds", "min", "max", "rate", "last", "of ours", "events/s")
_QUALITY = ("set-up s", "first s", "peak MB", "support/k", "converged", "overlap 1-2", "exponent")
_PHASES = ("project", "select", "learn", "record")


def table(records: Sequence[Record]) -> str:
    """Return the records as lines: the rate of each engine, its ratio to brainsim, and the phases of brainsim."""
    if not records:
        return "nothing was measured"
    rows = [list(_HEAD + _QUALITY), *[_row(record, records) for record in records]]
    shown = [at for at in range(len(rows[0])) if any(row[at] for row in rows[1:])]
    rows = [[row[at] for at in shown] for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(shown))]
    lines = [_aligned(row, widths) for row in rows]
    notes = [f"{r['engine']} at n={r['n']:_}: {r['note']}" for r in records if r.get("note")]
    return "\n".join([_title(records), *lines, *_split(records), *notes])


def _title(records: Sequence[Record]) -> str:
    units = {"sentences": "sentences/s", "rounds": "rounds/s"}
    unit = next((text for key, text in units.items() if key in records[0]), "synapses/s")
    what = "the project phase of a round" if records[0]["case"] == "row" else "one run"
    repeats = records[0]["repeats"]
    return f"{records[0]['case']}: rate in {unit}, seconds of {what}: median and range of {repeats} repeats"


def _row(record: Record, records: Sequence[Record]) -> list[str]:
    name = record["engine"] + (f" {record['state']}" if "state" in record else "")
    numbers = [record.get(key) for key in ("seconds", "seconds_min", "seconds_max", "rate", "rate_last")]
    quality = [record.get(key) for key in ("setup_seconds", "first_seconds", "peak_rss_mb", "support_over_k")]
    ends = [record.get(key) for key in ("converged_at", "first_overlap", "exponent")]
    sizes = [f"{record['n']:_}", str(record["k"]), f"{record['p']:g}", str(record["threads"])]
    ratio = [_ratio(record, records), _number(record["events_per_second"])]
    return [name, *sizes, *map(_number, numbers), *ratio, *map(_number, quality), *map(_number, ends)]


def _ratio(record: Record, records: Sequence[Record]) -> str:
    """Return the rate in units of brainsim's at the same size; empty if there is nothing to compare with."""
    if record["case"] == "row" or len({r["engine"] for r in records}) < 2:
        return ""
    same = [r for r in records if r["engine"] == OURS and all(r[key] == record[key] for key in ("n", "k", "p"))]
    return f"{_number(record['rate'] / same[0]['rate'])}" if same else ""


def _number(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return f"{value:.3g}" if value < 1e4 else f"{value:.2e}".replace("e+0", "e").replace("e+", "e")


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.rjust(width) for text, width in zip(row, widths, strict=True)]
    return "  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip()


def _split(records: Sequence[Record]) -> list[str]:
    """Return one line for each of brainsim's records: the share of each phase, and of what is outside of them."""
    lines = []
    for record in records:
        if record["case"] == "row" or not record["phases"]:
            continue
        parts = [(phase, record["phases"][phase] / record["seconds"]) for phase in _PHASES]
        parts.append(("other", max(0.0, 1 - sum(share for _, share in parts))))
        text = ", ".join(f"{phase} {share:.0%}" for phase, share in parts)
        lines.append(f"{record['engine']} at n={record['n']:_}, p={record['p']:g}: {text}")
    return lines
