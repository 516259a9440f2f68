"""Reports: one HTML page that shows a run folder or a file, and the same page live.

`report` writes the page, `view` serves it during a run.  Both need the extra ``report``.
"""

from brainsim.studies.reporting.needs import ReportMissingError, require_bokeh
from brainsim.studies.reporting.writing import Report, report, view

__all__ = ["Report", "ReportMissingError", "report", "require_bokeh", "view"]
