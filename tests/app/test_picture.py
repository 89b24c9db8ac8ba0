"""Is the lineage written as a picture that holds everything, with and without a window?"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from stub import CLEAN, EDGES, HOSTILE, JOB, MODEL, RAW, TARGET, THINGS, Answer, thing

from app.models.drawing import Drawing, gather
from app.style import Scheme
from app.views.canvas import LineageCanvas
from app.views.cards import stroke_of
from app.views.exporting import write_drawing
from app.views.placing import card_of, line_of, place, title_of
from lineage.errors import UserError

TOP = Path(__file__).resolve().parents[2]
DEPTH = {TARGET["id"]: 1, MODEL["id"]: 0, CLEAN["id"]: -1, JOB["id"]: -2, RAW["id"]: -3}


@pytest.fixture
def drawing():
    """The stub's graph, placed."""
    nodes = [{**item, "depth": DEPTH.get(item["id"], -3)} for item in THINGS]
    return place(gather(Answer([{"nodes": nodes, "edges": EDGES}]), [], up=4, down=2, hidden=frozenset()))


@pytest.fixture
def canvas(qtbot, drawing):
    """A canvas that holds it."""
    made = LineageCanvas()
    qtbot.addWidget(made)
    made.set_graph(drawing.placed.cards, drawing.placed.lines, drawing.placed.layout)
    return made


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_png_holds_the_whole_drawing_at_twice_its_size(canvas, tmp_path, scheme):
    """Whatever part of it is seen on the screen."""
    path = tmp_path / "lineage.png"

    size = write_drawing(canvas, str(path), HOSTILE, "as of now", scheme)

    image = QImage(str(path))
    assert (image.width(), image.height()) == (size.width(), size.height())
    assert image.width() >= 2 * canvas.picture_size()[0]
    corner = image.pixelColor(2, 2).lightness()
    assert (corner < 128) == (scheme is Scheme.DARK)


def test_a_pdf_is_one_page_as_large_as_the_drawing(canvas, tmp_path):
    """With fonts inside, so that it looks the same elsewhere."""
    path = tmp_path / "lineage.pdf"

    size = write_drawing(canvas, str(path), HOSTILE, "as of now", Scheme.LIGHT)

    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 1
    (box,) = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", content)
    assert [round(float(side)) for side in box] == [size.width(), size.height()]
    assert b"/FontFile2" in content or b"/FontFile3" in content


def test_an_svg_holds_every_name_as_text(canvas, tmp_path):
    """It can be searched, and nothing of a name is markup."""
    path = tmp_path / "lineage.svg"

    write_drawing(canvas, str(path), HOSTILE, "as of now", Scheme.LIGHT)

    tree = ET.parse(path)  # noqa: S314 - our own file
    text = "".join(tree.getroot().itertext())
    assert "fraud 8" in text
    assert not [part for part in tree.iter() if part.tag.endswith("}b") or part.tag.endswith("}img")]


def test_another_suffix_is_refused_with_what_to_do(canvas, tmp_path):
    """In words."""
    with pytest.raises(UserError, match=r"let it end in \.png, \.svg or \.pdf"):
        write_drawing(canvas, str(tmp_path / "lineage.bmp"), "x", "y", Scheme.LIGHT)


def test_lineage_runs_from_left_to_right(drawing):
    """What feeds stands left of what is fed."""
    left = dict(zip(drawing.placed.layout.keys, drawing.placed.layout.x, strict=True))

    assert all(left[line.source] < left[line.target] for line in drawing.placed.lines)


def test_edges_between_two_things_are_one_line_that_says_all_of_them():
    """The best grounded one decides how it is drawn; each stands in the tooltip."""
    weak = {**EDGES[0], "basis": "inferred-by-name", "confidence": 0.4, "type": "derived"}

    line = line_of((RAW["id"], JOB["id"]), [weak, EDGES[0]])

    assert stroke_of(line.basis) == 0
    assert "derived" in line.detail
    assert "input" in line.detail


def test_a_card_says_what_no_longer_exists():
    """An ended thing is a ghost, a deleted one has a mark."""
    gone = thing("model-version", "m", "fraud/1", ended="2026-01-01T00:00:00Z", attributes={"deleted": True})

    card = card_of(gone, Drawing())

    assert card.ghost == "ended"
    assert [badge.text for badge in card.badges] == ["deleted"]


def test_a_run_is_called_by_its_name_where_it_has_one():
    """An id is no name."""
    assert title_of(thing("run", "m", "0190a0", attributes={"run_name": "nightly"})) == "nightly"
    assert title_of(thing("run", "m", "0190a0")) == "0190a0"


def run(*words):
    """Run the window's command without a display."""
    environment = {
        key: value for key, value in os.environ.items() if key not in {"DISPLAY", "QT_QPA_PLATFORM"}
    }
    return subprocess.run(
        [sys.executable, "-m", "app", *words], cwd=TOP, env=environment, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def test_the_picture_command_says_what_is_missing(tmp_path):
    """Status 2 and one line, as the command line does."""
    done = run("--picture", str(tmp_path / "x.png"), str(tmp_path / "none.trail"))

    assert done.returncode == 2
    assert "none.trail" in done.stderr
    assert "Traceback" not in done.stderr
