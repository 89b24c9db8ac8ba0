"""How does a report become a page? One file, no script, nothing loaded from anywhere."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lineage.reports.as_csv import place
from lineage.reports.document import Report
from lineage.text import display_text

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = lambda value: display_text(str(value)) if value is not None else ""
    environment.filters["place"] = place
    return environment.from_string(files("resources").joinpath("templates/report.html").read_text("utf-8"))


def render(report: Report) -> bytes:
    """Return the page; every text from outside is escaped and shown without hidden characters."""
    return _template().render(report=report).encode("utf-8", "backslashreplace")
