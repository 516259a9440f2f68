"""How Sphinx builds the site; ``sphinx-build -W -j auto docs docs/_build`` does.

Nothing is fetched and no notebook runs: notebooks are shown as they are committed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions")]

from brainsim._version import __version__  # noqa: E402

project = "brainsim"
author = "the brainsim developers"
copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "numpydoc",
    "myst_nb",
    "mathml",
    "copied_pages",
    "repository_links",
    "generated_reference",
]
exclude_patterns = ["_build", "README.md", "jupyter_execute"]
smartquotes = False  # `--quick` on the page of the command line must stay as it is typed
default_role = "py:obj"  # `Simulator.run` in a docstring is a link where it can be one

# Notebooks are committed with what they show (tools/run_notebooks.py); the tests run them and compare.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 4

autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
# The extra `torch` is documented whether it is installed or not.
autodoc_mock_imports = [name for name in ("torch", "safetensors") if find_spec(name) is None]
python_maximum_signature_line_length = 88
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"brainsim {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
templates_path = ["_templates"]
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_theme_options = {
    "logo": {"text": "brainsim"},
    "show_prev_next": True,
    "navigation_depth": 2,
    "show_nav_level": 1,
    "collapse_navigation": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
