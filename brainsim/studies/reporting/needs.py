"""The packages that reports need in addition to brainsim."""

from __future__ import annotations

from importlib.util import find_spec

from brainsim.errors import BrainsimError


class ReportMissingError(BrainsimError, ImportError):
    """Bokeh, or a package that it needs, is not installed."""


def require_bokeh() -> None:
    """Raise an error that says how to install Bokeh, if it is not.

    Raises
    ------
    ReportMissingError
        Naming the packages that are missing and the command that installs them.
    """
    missing = [package for package in ("bokeh", "jinja2", "tornado") if find_spec(package) is None]
    if missing:
        raise ReportMissingError(f"reports need {' and '.join(missing)}; pip install 'brainsim[report]'")
