"""How the site is built: sphinx-build -b html -W --keep-going -n docs docs/_build/html"""

import logging
import os
import shutil
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
TUTORIALS = HERE / "_build" / "tutorials"
"""Where tutorials run: copies, so that what they write is not left beside them."""
sys.path.insert(0, str(HERE / "extensions"))
os.environ["PYTHONWARNINGS"] = "ignore"
logging.getLogger("brian2").setLevel(logging.ERROR)
logging.getLogger("matplotlib").setLevel(logging.ERROR)

from sphinx_gallery.scrapers import figure_rst  # noqa: E402

import autapse_sim  # noqa: E402  # the folder of extensions is on the path first

project = "autapse_sim"
author = "the autapse_sim authors"
copyright = "2026, the autapse_sim authors"
version = release = autapse_sim.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "formula",
    "pages",
]
exclude_patterns = ["_build", "extensions", "tutorials", "data", "Thumbs.db"]
# one backtick is how names are written in docstrings
default_role = "code"
nitpicky = True
html_theme = "pydata_sphinx_theme"
html_title = "autapse_sim"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_sidebars = {"faq": [], "changelog": [], "install": [], "contributing": []}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "header_links_before_dropdown": 6,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "secondary_sidebar_items": ["page-toc"],
}

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


shutil.rmtree(TUTORIALS, ignore_errors=True)
shutil.copytree(HERE / "tutorials", TUTORIALS)


def quiet(gallery_conf, name):
    """Start each tutorial with quiet libraries."""
    warnings.simplefilter("ignore")


def draw(block, variables, gallery_conf):
    """Show a figure that stands in the last line of a block, as notebooks do."""
    figure = variables["example_globals"].get("___")
    if not hasattr(figure, "savefig") or getattr(figure, "is_on_page", False):
        return ""
    figure.is_on_page = True
    path = next(variables["image_path_iterator"])
    figure.savefig(path, dpi=110)
    return figure_rst([path], gallery_conf["src_dir"])


sphinx_gallery_conf = {
    "image_scrapers": ("matplotlib", draw),
    "ignore_repr_types": r"Drawn",
    "examples_dirs": str(TUTORIALS),
    "gallery_dirs": "learn",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": (quiet,),
    "reset_modules_order": "before",
    "download_all_examples": False,
    "copyfile_regex": r".*\.txt",
    "remove_config_comments": True,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "abort_on_example_error": False,
    "default_thumb_file": str(HERE / "_static" / "thumb.png"),
    "capture_repr": ("_repr_html_", "__repr__"),
    "nested_sections": False,
}
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings hold a function
