"""Sphinx' configuration: the pages lie where the repository has them, so that their links work there and here."""

from docs.website.build import REPOSITORY

_FOLDERS = {"deploy", "docs"}  # that have pages; those at the top come besides

project = "digitcodec"
html_title = "digitcodec"
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "docs/adr/*.md", "deploy/README.md"]
# Folders without pages are not even walked through: an environment of Python holds tens of thousands of files.
exclude_patterns = [entry.name for entry in REPOSITORY.iterdir() if entry.is_dir() and entry.name not in _FOLDERS]

extensions = ["myst_parser", "docs.website.repository"]
myst_heading_anchors = 4  # as code hosts name headings
myst_enable_extensions = ["attrs_inline"]  # anchors in the midst of a page

html_theme = "furo"  # brings all its styles and scripts, and asks no other host for fonts
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_extra_path = ["root"]  # a page at the top that leads to the index
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
