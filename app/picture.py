"""What does the lineage of a workspace look like, for those who have no display?"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from app import style
from app.commands import Looking
from app.models.columns import name_of
from app.models.things import Subject, selector_of
from app.models.wording import counted
from app.session import Dates
from app.style import Scheme
from app.views.canvas import LineageCanvas
from app.views.exporting import write_drawing
from app.views.placing import follow
from lineage.errors import QuestionError, UserError

if TYPE_CHECKING:
    from lineage.workspace import Workspace

UP, DOWN = 6, 3
"""How far the picture goes up- and downstream: more columns than that cannot be read on one screen or page."""
TRIED = 40
"""How many deployments are looked at to find the one with the most behind it."""


def write(workspace_path: str, picture: str, selector: str = "", *, dark: bool = False) -> int:
    """Write a picture of the lineage of `selector`, or of the deployment with the most behind it.

    Returns the exit status: 0 done, 2 when it cannot be, with one line on stderr that says why.
    """
    from lineage.workspace import Workspace

    scheme = Scheme.DARK if dark else Scheme.LIGHT
    style.use_theme(str(scheme))
    if not workspace_path:
        print("modeltrail-gui: name the workspace after the picture", file=sys.stderr)  # noqa: T201 - the answer
        return 2
    try:
        with Workspace.open(workspace_path, create=False) as workspace:
            looking = Looking(selector or most_behind(workspace), up=UP, down=DOWN)
            drawing = follow(workspace, looking, Dates(), None)
        canvas = LineageCanvas()
        placed = drawing.placed
        canvas.set_graph(placed.cards, placed.lines, placed.layout)
        canvas.select(drawing.centre)
        title = f"Lineage of {name_of(drawing.things[drawing.centre])}"
        note = f"{counted(len(drawing.nodes), 'thing')}, {counted(len(drawing.edges), 'edge')}, at any time"
        size = write_drawing(canvas, picture, title, note, scheme)
        canvas.deleteLater()
    except UserError as error:
        print(f"modeltrail-gui: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 2
    print(f"{picture}  {size.width()} x {size.height()}")  # noqa: T201 - same
    return 0


def most_behind(workspace: Workspace) -> str:
    """Return the selector of the deployed version, else the thing, with the most behind it; raises `QuestionError`.

    What counts is what it comes from and where it serves, not how often it was evaluated.
    """
    served = [Subject("deployment", item).selector for item in reversed(workspace.deployments().items)]
    best = _largest(workspace, dict.fromkeys(part for part in served if part))
    if best:
        return best
    for kind in ("model-version", "target", "dataset", "job"):
        answer = workspace.entities(f"kind:{kind}", limit=TRIED)
        best = _largest(workspace, (selector_of(item["id"]) for item in answer.items))
        if best:
            return best
    raise QuestionError(
        "the workspace holds no lineage", where=str(workspace.path), remedy="import something first"
    )


def _largest(workspace: Workspace, selectors: Iterable[str]) -> str:
    best, most = "", 1
    for place, selector in enumerate(selectors):
        if place >= TRIED:
            break
        nodes = workspace.trace(selector, up=UP, down=DOWN, ever=True).items[0]["nodes"]
        told = sum(1 for node in nodes if node["depth"] <= 0 or node["kind"] == "target")
        if told > most:
            best, most = selector, told
    return best
