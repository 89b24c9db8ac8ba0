"""In which standard's words can a lineage leave for other tools? One module a format, the same bytes every time.

No clock is read and nothing is drawn at random: the same checkpoint, selector and version give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from lineage.exports import as_csv, cyclonedx, graphml, openlineage, prov
from lineage.exports.lineage import Lineage

FORMATS: dict[str, Callable[[Lineage], bytes]] = {
    "prov": prov.render,
    "cyclonedx": cyclonedx.render,
    "openlineage": openlineage.render,
    "graphml": graphml.render,
    "csv": as_csv.render,
}
"""What writes each format."""
