"""Writing a report to a file, and showing it live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from brainsim._arguments import checked
from brainsim._files import whole
from brainsim._validation import integer
from brainsim.errors import DumpError, UnwrittenError
from brainsim.studies.reporting.needs import require_bokeh

MOST_FIRINGS = 10_000_000


@dataclass(frozen=True)
class Report:
    """A report that was written: its path, its size in bytes, missing material, and what could not be read."""

    path: Path
    size: int
    missing: tuple[str, ...]
    faults: tuple[str, ...]


@checked()
def report(path: str | Path, to: str | Path, *, overwrite: bool = False, firings: int | None = None) -> Report:
    """Write one HTML file that shows a run folder, a state, a dump or a history; it needs no network.

    Parameters
    ----------
    path : str or Path
        The run folder or file.
    to : str or Path
        The HTML file.
    overwrite : bool
        Whether a file of that name is replaced.
    firings : int, optional
        Largest number of firings on the page; 200 000 by default.  If there are more, every second, third … neuron is
        drawn.

    Raises
    ------
    ReportMissingError
        If Bokeh is not installed.
    RunFolderError, DumpError
        If ``path`` is neither a run folder nor a file of brainsim, or cannot be read.
    UnwrittenError
        If ``to`` exists, or cannot be written.
    """
    require_bokeh()
    out = Path(to)
    if out.exists() and not overwrite:
        raise UnwrittenError(f"--to {out}: exists already; choose another file, or give --overwrite to replace it")
    if out.resolve() == Path(path).resolve():
        raise DumpError(f"--to {out}: is what the report is about; choose another file")
    from brainsim.studies.reporting import document, raster
    from brainsim.studies.reporting.material import gathered

    most = raster.MOST_DRAWN if firings is None else integer("report.firings", firings, 1, MOST_FIRINGS)
    page = document.page_of(gathered(path), most)
    text = document.html(page, document.content_of(page))
    try:
        with whole(out) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnwrittenError(f"--to {out}: cannot be written ({error.strerror or error}); choose another") from error
    return Report(out, len(text.encode()), tuple(page.missing), tuple(page.faults))


@checked()
def view(path: str | Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the report of a run folder or a file to browsers of this machine, and follow the run, until Ctrl-C.

    Parameters
    ----------
    path : str or Path
        The run folder or file.
    port : int
        0 for any free port.
    ready : callable
        Called with the address of the page when it can be opened.

    Raises
    ------
    ReportMissingError
        If Bokeh is not installed.
    DeclarationError
        If the port cannot be used.
    RunFolderError, DumpError
        If ``path`` is neither a run folder nor a file of brainsim, or cannot be read.
    """
    require_bokeh()
    from brainsim.studies.reporting.serving import serve

    serve(path, integer("view.port", port, 0, 65535), ready)
