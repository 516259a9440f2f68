"""``brainsim bench``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from brainsim.bench.measure import Record

# Repeated from `brainsim.bench.plan.CASES`, so that help needs no import; a test holds them together.
_CASES = ("sentence", "sentence-cold", "project", "row", "scale", "features", "vectors", "batch")
_SUFFIXES = (".png", ".pdf", ".svg")


def _count(text: str) -> int:
    """Return a whole number that may be written 1e6 or 1_000_000."""
    try:
        number = float(text)
        if number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise click.BadParameter(f"{text!r} is not a whole number such as 100000, 100_000 or 1e5")


@click.command()
@click.argument("case", type=click.Choice(_CASES))
@click.option("--n", "sizes", type=_count, multiple=True, metavar="N", help="Neurons per area: 1e6; may be repeated.")
@click.option("--p", type=click.FloatRange(0, 1, min_open=True), help="Connection probability, if not the case's own.")
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Timed runs after warm-up.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; by default all cores, or NUMBA_NUM_THREADS.")
@click.option("--backend", default="auto", show_default=True, help="auto, cpu, gpu or reference.")
@click.option("--baselines", is_flag=True, help="Run brute-force and neural-assemblies in turn with brainsim.")
@click.option("--mpi", is_flag=True, help="With scale: one brain over 1, 2, ... processes, and on paper over nodes.")
@click.option("--quick", is_flag=True, help="A small version that takes seconds.")
@click.option("--memory/--no-memory", default=True, help="Peak memory, each in a process of its own; on by default.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw time per sentence against n.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of records as JSON.")
def bench(case: str, as_json: bool, plot: Path | None, mpi: bool, **options: Any) -> None:
    """Time a case, with measures that reveal a fast but wrong engine.

    \b
    sentence       noun + verb sentences of 4 + 3 words, learning
    sentence-cold  the same, every sentence with two new words
    project        one stimulus into one recurrent area, 25 or 50 rounds
    row            synapses generated per second, cold and warm, on one thread and on all
    scale          one recurrent area of 1e5 to 1e8 neurons, with the fitted exponent
    features       a round with each feature of the law (modulators, gates ...) beside a plain one
    vectors        layers and sentences of 60 000 nodes that hold vectors, with the fitted exponents
    batch          16 brains in a Batch beside the same brains one after the other
    """  # noqa: D301 - click wants the backspace itself, which keeps these lines apart
    _check(case, plot, baselines=options["baselines"])
    if mpi:
        _scale_over_ranks(case, as_json, options)
        return
    if options["baselines"] and _needs_fixed_hash():
        records = _in_subprocess(case, options)
    else:
        records = _measure(case, **options)
    if plot is not None:
        from brainsim.bench.plot import time_per_sentence

        click.echo(f"wrote {time_per_sentence(records, plot)}", err=True)
    click.echo(json.dumps(records, indent=2) if as_json else _shown(records))


def _scale_over_ranks(case: str, as_json: bool, options: dict[str, Any]) -> None:
    if case != "scale" or options["baselines"]:
        raise click.UsageError(f"--mpi: must be given for 'scale' without --baselines (got {case!r})")
    from brainsim.bench.machine import describe_machine
    from brainsim.bench.mpi import measure_mpi, mpi_table

    sizes, quick = options["sizes"], options["quick"]
    records = measure_mpi(sizes[0] if sizes else 10_000 if quick else 1_000_000, options, _say)
    machine = describe_machine()
    each = [{**record, "machine": machine} for record in records]
    click.echo(json.dumps(each, indent=2) if as_json else mpi_table(records))


def _check(case: str, plot: Path | None, *, baselines: bool) -> None:
    """Refuse impossible requests before anything is measured."""
    alone = {
        "row": "tells its project phase apart",
        "features": "has these features",
        "vectors": "has vectors",
        "batch": "runs batches",
    }
    if case in alone and baselines:
        why = alone[case]
        raise click.UsageError(f"--baselines: must not be given for {case!r}; no baseline {why}")
    if plot is None:
        return
    if not case.startswith("sentence"):
        raise click.UsageError(f"--plot: must be given for 'sentence' or 'sentence-cold' (got {case!r})")
    if plot.suffix not in _SUFFIXES:
        raise click.UsageError(f"--plot: must end in {', '.join(_SUFFIXES)} (got {str(plot)!r})")
    if not plot.parent.is_dir():
        raise click.UsageError(f"--plot: there is no folder {str(plot.parent)!r}")


def _say(line: str) -> None:
    click.echo(line, err=True)


def _measure(
    case: str,
    *,
    sizes: Sequence[int],
    p: float | None,
    repeats: int,
    threads: int | None,
    backend: str,
    baselines: bool,
    quick: bool,
    memory: bool,
) -> list[Record]:
    from brainsim.bench.batch import measure_batch
    from brainsim.bench.engine import BASELINES, OURS, Settings
    from brainsim.bench.engines import settle
    from brainsim.bench.exponent import with_exponent
    from brainsim.bench.features import measure_features
    from brainsim.bench.machine import describe_machine
    from brainsim.bench.measure import compare
    from brainsim.bench.plan import plan, repeats_at, rows
    from brainsim.bench.rows import measure_row
    from brainsim.bench.vectors import measure_vectors
    from brainsim.errors import BackendMemoryError
    from brainsim.simulate import backends

    settings = Settings(threads, backends.resolve(backend))
    records: list[Record] = []
    if case == "features":
        for n in sizes or ((2_000,) if quick else (100_000,)):
            records += measure_features(n, settings, 1 if quick else repeats, _say)
    elif case == "batch":
        for n in sizes or ((1_000,) if quick else (10_000,)):
            records += measure_batch(n, settings, 1 if quick else repeats, _say, quick=quick)
    elif case == "vectors":
        records += measure_vectors(sizes, settings, repeats, quick=quick, memory=memory, say=_say)
    elif case == "row":
        for row in rows(sizes, p, quick=quick):
            records += measure_row(row, settings, repeats, memory=memory, say=_say)
    else:
        planned = plan(case, sizes, p, quick=quick)
        engines, missing = settle((OURS, *BASELINES) if baselines else (OURS,))
        for line in missing:
            _say(f"note: {line}")
        for engine in engines.values():
            engine.check(settings)
        for size in planned:
            try:
                records += compare(size, engines, settings, repeats_at(size.n, repeats), memory=memory, say=_say)
            except BackendMemoryError as error:  # smaller sizes are worth having
                _say(f"note: {case} n={size.n:.0e}: left out, {error}")
    machine = describe_machine()
    return [{**record, "machine": machine} for record in (with_exponent(records) if case == "scale" else records)]


def _shown(records: list[Record]) -> str:
    from brainsim.bench.batch import batch_table
    from brainsim.bench.features import features_table
    from brainsim.bench.table import table
    from brainsim.bench.vectors import vectors_table

    tables = {"features": features_table, "vectors": vectors_table, "batch": batch_table}
    return tables.get(records[0]["case"] if records else "", table)(records)


def _needs_fixed_hash() -> bool:
    # neural-assemblies seeds some random numbers with hash(name), which Python salts differently in each process.
    import importlib.util

    installed = importlib.util.find_spec("neural_assemblies") is not None
    return installed and not os.environ.get("PYTHONHASHSEED", "").isdigit()


def _in_subprocess(case: str, options: dict[str, Any]) -> list[Record]:
    """Measure in a Python with ``PYTHONHASHSEED=0`` and return its records."""
    command = [sys.executable, "-m", "brainsim", "bench", case, "--json", "--baselines"]
    for n in options["sizes"]:
        command += ["--n", str(n)]
    for name in ("p", "repeats", "threads", "backend"):
        if options[name] is not None:
            command += [f"--{name}", str(options[name])]
    command += ["--quick"] * options["quick"] + ["--no-memory"] * (not options["memory"])
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    child = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if child.returncode:
        sys.exit(child.returncode)
    records: list[Record] = json.loads(child.stdout)
    return records
