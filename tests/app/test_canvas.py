"""Can a person read the drawing and walk through it, by pointer, keyboard and ear?"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QPainter, QPixmap, QWheelEvent
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication

from app import style
from app.style import TOKENS, Scheme
from app.views import canvas_surface, strokes
from app.views.canvas import LineageCanvas
from app.views.canvas_paint import Artist
from app.views.canvas_view import View
from app.views.cards import Card, CardEdge, layout_graph
from app.views.scene import CanvasScene
from app.views.tiles import LIMIT, Tiles
from lineage.errors import BugError
from lineage.layout.layered import layout

_SPEC = importlib.util.spec_from_file_location("demo_graph", Path(__file__).with_name("demo_graph.py"))
demo_graph = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("demo_graph", demo_graph)
_SPEC.loader.exec_module(demo_graph)


@pytest.fixture(scope="module")
def demo():
    """Forty cards from tables to deployments, with everything odd in them."""
    return demo_graph.demo()


@pytest.fixture
def scene(demo):
    """The demo as arrays."""
    return CanvasScene(*demo)


@pytest.fixture
def canvas(qtbot, demo, monkeypatch):
    """The demo on the screen, without motion, and sharp however loaded the machine is."""
    monkeypatch.setattr(style, "reduced_motion", lambda: True)
    for patience in ("_PATIENCE", "_FIRST_PATIENCE"):
        monkeypatch.setattr(canvas_surface, patience, 60.0)
    widget = LineageCanvas()
    qtbot.addWidget(widget)
    widget.set_scheme("light")
    widget.resize(1200, 700)
    widget.set_graph(*demo)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def seen_at(canvas, key) -> QPoint:
    """The pixel in the middle of a card."""
    place = canvas.scene.index(key)
    x = float(canvas.scene.left[place] + canvas.scene.right[place]) / 2
    y = float(canvas.scene.top[place] + canvas.scene.bottom[place]) / 2
    return QPointF(*canvas.view.to_widget(x, y)).toPoint()


def wheel(canvas, point, steps, modifiers=Qt.KeyboardModifier.NoModifier):
    """Turn the wheel at a pixel."""
    event = QWheelEvent(
        QPointF(point),
        QPointF(canvas.mapToGlobal(point)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def test_a_path_holds_all_that_feeds_a_thing_and_all_it_feeds(scene):
    """From the target back to every table, whichever way the lines go."""
    path = scene.path(scene.index("mv.ltv7"))

    up = {scene.cards[at].key for at in np.flatnonzero(path.up)}
    down = {scene.cards[at].key for at in np.flatnonzero(path.down)}
    assert {"run.eval", "run.ltv", "f.spend", "col.amount", "raw.orders", "raw.kana", "job.geo"} <= up
    assert down == {"mv.ltv7", "t.ltv", "env.prod"}
    assert "run.43" not in up
    for edge in np.flatnonzero(path.edge_up):
        assert {scene.edges[edge].source, scene.edges[edge].target} <= up


def test_the_keyboard_walks_along_edges_and_columns(scene):
    """Left and right follow the lineage, up and down the column."""
    card = scene.index("run.eval")

    assert scene.cards[scene.neighbour(card, "left")].key == "run.ltv"
    assert scene.cards[scene.neighbour(card, "right")].key == "mv.ltv7"
    assert scene.neighbour(scene.index("env.prod"), "right") == -1
    first = scene.neighbour(card, "first")
    column = [first]
    while (below := scene.neighbour(column[-1], "down")) >= 0:
        column.append(below)
    assert column[-1] == scene.neighbour(card, "last")
    assert sorted(column) == np.flatnonzero(scene.column == scene.column[card]).tolist()
    assert (np.diff(scene.top[column]) > 0).all()


def test_lines_begin_and_end_at_their_cards(scene):
    """Every drawn line runs without a gap from its source to its target."""
    for edge in range(len(scene.edges)):
        rows = scene.pieces[scene.piece_edge == edge]
        if scene.heading[edge] == 0:
            assert len(rows) == 0
            continue
        assert np.allclose(rows[1:, :2], rows[:-1, 2:])
        ends = [scene.card_at(*(rows[0, :2] + [-1, 0])), scene.card_at(*(rows[-1, 2:] + [1, 0]))]
        if scene.heading[edge] > 0:
            assert ends == [scene.source[edge], scene.target[edge]]


def test_a_scene_refuses_a_layout_of_something_else(demo):
    """Cards and layout that do not fit together are our mistake, said at once."""
    cards, edges, placed = demo

    with pytest.raises(BugError, match="other edges"):
        CanvasScene(cards, edges[1:], placed)
    with pytest.raises(BugError, match="other cards"):
        CanvasScene(cards[1:], edges, placed)


def test_all_is_seen_at_first(canvas):
    """A new drawing is shown as a whole."""
    left, top, right, bottom = canvas.scene.bounds

    seen = canvas.view.box(canvas.width(), canvas.height())

    assert seen[0] <= left
    assert seen[1] <= top
    assert seen[2] >= right
    assert seen[3] >= bottom


def test_the_wheel_keeps_what_is_under_the_pointer(canvas):
    """Zooming in on a card does not make it run away."""
    point = seen_at(canvas, "fv.cust")
    before = canvas.view

    wheel(canvas, point, 3)

    assert canvas.view.zoom == pytest.approx(before.zoom * canvas_surface.STEP**3)
    after = seen_at(canvas, "fv.cust")
    assert (after - point).manhattanLength() <= 2


def test_a_click_selects_and_a_double_click_opens(qtbot, canvas):
    """One click says which, two clicks go there; a click on the ground says nothing."""
    with qtbot.waitSignal(canvas.selected) as chosen:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=seen_at(canvas, "f.spend"))
    with qtbot.waitSignal(canvas.activated) as opened:
        qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=seen_at(canvas, "f.spend"))
    with qtbot.assertNotEmitted(canvas.selected):
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(600, 20))

    assert chosen.args == ["f.spend"]
    assert opened.args == ["f.spend"]


def test_selecting_from_elsewhere_tells_nobody_and_brings_the_card_into_view(qtbot, canvas):
    """The outline and the drawing do not chase each other."""
    canvas.fly_to("raw.orders")
    with qtbot.assertNotEmitted(canvas.selected):
        canvas.select("env.prod")

    assert canvas.current == "env.prod"
    assert canvas.rect().contains(seen_at(canvas, "env.prod"))
    canvas.select("nothing known")
    assert canvas.current == ""


def test_from_deployment_to_table_by_keyboard_alone(qtbot, canvas):
    """Left, left, left ends at a table; Enter opens it; every step is said."""
    canvas.setFocus()
    canvas.select("t.ltv")
    walked = []
    canvas.selected.connect(walked.append)
    for _ in range(12):
        qtbot.keyClick(canvas, Qt.Key.Key_Left)
    with qtbot.waitSignal(canvas.activated) as opened:
        qtbot.keyClick(canvas, Qt.Key.Key_Return)

    assert walked[:3] == ["mv.ltv7", "run.eval", "run.ltv"] or walked[0] == "raw.customers"
    assert opened.args[0].startswith("raw.")
    assert (
        f"dataset {canvas.scene.cards[canvas.scene.index(opened.args[0])].title[:8]}"
        in canvas.accessibleDescription()
    )


def test_plus_minus_and_f_change_the_size(qtbot, canvas):
    """Zoom and fit without a mouse."""
    canvas.setFocus()
    whole = canvas.view.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    larger = canvas.view.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    smaller = canvas.view.zoom
    qtbot.keyClick(canvas, Qt.Key.Key_F)

    assert smaller < whole < larger
    assert canvas.view.zoom == whole


def test_the_menu_key_asks_for_a_menu_at_the_card(qtbot, canvas):
    """The place of the menu is the card, not the mouse."""
    canvas.select("t.churn")
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), QPoint(1, 1))
    with qtbot.waitSignal(canvas.contextRequested) as asked:
        QApplication.sendEvent(canvas, event)

    assert asked.args[0] == "t.churn"
    assert asked.args[1] == canvas.mapToGlobal(seen_at(canvas, "t.churn"))


def test_what_is_not_drawn_is_asked_for_by_its_pill_and_by_keyboard(qtbot, canvas):
    """The pill +3 opens upstream, Shift and right downstream; where nothing is left out nothing is asked."""
    canvas.fly_to("raw.orders")
    place = canvas.scene.index("raw.orders")
    x, y = canvas.view.to_widget(float(canvas.scene.left[place]), float(canvas.scene.bottom[place]))
    with qtbot.waitSignal(canvas.expandRequested) as up:
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPointF(x, y).toPoint())
    canvas.select("m.churn")
    with qtbot.waitSignal(canvas.expandRequested) as down:
        qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    with qtbot.assertNotEmitted(canvas.expandRequested):
        qtbot.keyClick(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)

    assert up.args == ["raw.orders", "up"]
    assert down.args == ["m.churn", "down"]


def test_resting_on_a_card_lights_its_path_and_fades_the_rest(qtbot, canvas):
    """What is on the path keeps its colours, the rest goes 65 % of the way to the ground; leaving undoes it."""
    before = canvas.grab().toImage()
    qtbot.mouseMove(canvas, seen_at(canvas, "mv.ltv7"))
    qtbot.waitUntil(lambda: canvas._lit is not None)
    lit = canvas.grab().toImage()

    def band(image, key):
        place = canvas.scene.index(key)
        x, y = canvas.view.to_widget(float(canvas.scene.left[place]) + 3, float(canvas.scene.top[place]) + 26)
        return image.pixelColor(round(x), round(y))

    assert band(lit, "run.ltv") == band(before, "run.ltv")
    plain, faded = band(before, "run.43"), band(lit, "run.43")
    assert faded.red() == pytest.approx(255 - (255 - plain.red()) * 0.35, abs=3)
    qtbot.mouseMove(canvas, QPoint(3, 3))
    assert canvas.grab().toImage() == before


def test_tiles_show_what_a_direct_drawing_shows(canvas):
    """The cache changes the speed and nothing else."""
    canvas._look(View(0.9).centred(2000, 300, 1200, 700))
    shown = QImage(1200, 700, QImage.Format.Format_RGB32)
    shown.fill(canvas._artist.ground)
    painter = QPainter(shown)
    assert canvas._tiles.draw(painter, canvas.view, 1200, 700, 1.0, 60.0)
    painter.end()
    direct = QImage(1200, 700, QImage.Format.Format_RGB32)
    direct.fill(canvas._artist.ground)
    painter = QPainter(direct)
    painter.translate(canvas.view.dx, canvas.view.dy)
    painter.scale(canvas.view.zoom, canvas.view.zoom)
    canvas._artist.paint(painter, canvas.view.box(1200, 700), canvas.view.zoom)
    painter.end()

    one = np.frombuffer(shown.constBits(), np.uint8).reshape(700, 1200, 4)[..., :3].astype(int)
    other = np.frombuffer(direct.constBits(), np.uint8).reshape(700, 1200, 4)[..., :3].astype(int)
    # Dashes and smoothing may differ in single points at the seams.
    assert (np.abs(one - other).max(axis=2) > 60).mean() < 0.002


def test_moving_inside_what_is_painted_paints_nothing_anew(canvas):
    """Panning copies pictures: no card is painted again."""
    canvas._look(View(0.8).centred(2000, 300, 1200, 700))
    canvas.grab()
    painted = []
    canvas._tiles._paint = lambda *_: painted.append(1)

    canvas._look(canvas.view.moved(-7, 5))
    canvas.grab()
    canvas.light("mv.c43")
    canvas.grab()

    assert len(painted) <= 4


def test_the_cache_is_limited(canvas):
    """Many sizes and places do not fill the memory."""
    tiles = Tiles(QColor("#ffffff"), lambda *_: None)
    shown = QPixmap(800, 600)
    painter = QPainter(shown)
    for step in range(40):
        tiles.draw(painter, View(1.0 + step / 50, step * 3.0, 0.0), 1600, 1000, 2.0, 60.0)
    painter.end()

    assert tiles.size <= LIMIT


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("zoom", [0.04, 0.2, 0.45, 1.0, 2.5])
def test_every_size_and_scheme_can_be_painted(canvas, scheme, zoom):
    """From coloured boxes to full cards, something of the middle card's colour is there."""
    canvas.set_scheme(scheme)
    canvas._look(View(zoom).centred(*canvas._middle(canvas.scene.index("f.spend")), 1200, 700))
    image = canvas.grab().toImage()

    wanted = QColor(style.kind("feature").colour(scheme))
    colours = {image.pixelColor(x, y).name() for x in range(0, 1200, 2) for y in range(340, 360)}
    assert wanted.name() in colours
    assert TOKENS[scheme].ground in colours or zoom > 2


def test_hostile_and_endless_names_are_shown_as_text(qtbot, demo):
    """Markup is not interpreted, hidden characters are named, a megabyte of name is cut."""
    cards = [Card("a", "dataset", "<b>x</b>" + "y" * 1_000_000), Card("b", "job", "exe\u202efdp\x07")]
    edges = [CardEdge("a", "b", detail="<img src=http://x/>")]
    widget = LineageCanvas()
    qtbot.addWidget(widget)
    widget.resize(900, 300)
    widget.set_graph(cards, edges, layout(layout_graph(cards, edges)))
    widget.show()
    widget.grab()

    tip = widget.tip_at(QPointF(seen_at(widget, "a")))
    assert tip.startswith("<b>x</b>")
    assert len(tip) < 2000
    assert "⟨U+202E⟩" in widget.tip_at(QPointF(seen_at(widget, "b")))
    assert "\u202e" not in widget.words_for(1)


def test_a_line_says_what_it_rests_on(canvas):
    """Pointing at a line names its ends, its basis and its details."""
    rows = canvas.scene.pieces[canvas.scene.piece_edge == 0]
    x, y = canvas.view.to_widget(*((rows[len(rows) // 2, :2] + rows[len(rows) // 2, 2:]) / 2))

    tip = canvas.tip_at(QPointF(x, y))

    assert "→" in tip
    assert "run 8f3c" in tip


def test_a_screen_reader_hears_kind_name_state_and_neighbours(canvas):
    """Words for one card."""
    words = canvas.words_for(canvas.scene.index("raw.weather"))

    assert words == "dataset raw.weather, ended 2026-02-01, 0 upstream, 1 downstream"
    assert canvas.words_for(canvas.scene.index("raw.orders")).endswith("3 upstream, 2 downstream")
    assert canvas.accessibleName()


def test_new_data_keeps_the_view(canvas, demo):
    """With keep_view the chosen card stays on its pixel, and so does the size."""
    cards, edges, placed = demo
    canvas.fly_to("f.spend")
    canvas.select("f.spend")
    before, view = seen_at(canvas, "f.spend"), canvas.view
    more = [*cards, *(Card(f"x{at}", "feature", f"new {at}") for at in range(9))]
    lines = [*edges, *(CardEdge("fv.cust", f"x{at}") for at in range(9))]

    canvas.set_graph(more, lines, layout(layout_graph(more, lines), placed), keep_view=True)

    assert canvas.current == "f.spend"
    assert canvas.view.zoom == view.zoom
    assert (seen_at(canvas, "f.spend") - before).manhattanLength() <= 1


def test_a_picture_holds_every_name_as_text(canvas, demo):
    """SVG from the same drawing: searchable, complete, with the key to the lines."""
    buffer = QBuffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    width, height = canvas.picture_size()
    generator.setSize(QSize(round(width), round(height)))
    generator.setViewBox(QRect(0, 0, round(width), round(height)))
    painter = QPainter(generator)
    canvas.draw(painter, QRectF(0, 0, width, height), "light")
    painter.end()
    svg = bytes(buffer.data()).decode()

    for words in ("churn v43", "session_stats:length", "ended · airflow", "inferred", "SLA met"):
        assert words in svg
    assert "&lt;b&gt;" in svg


def test_a_picture_is_not_cut(canvas):
    """Nothing but ground along the border of an export."""
    image = QImage(1500, 400, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    canvas.draw(painter, QRectF(0, 0, 1500, 400), "dark")
    painter.end()

    ground = QColor(TOKENS[Scheme.DARK].ground)
    border = [(x, y) for x in range(1500) for y in (0, 399)] + [(x, y) for x in (0, 1499) for y in range(400)]
    assert all(image.pixelColor(x, y) == ground for x, y in border)


def test_an_empty_drawing_says_why(qtbot):
    """No cards: the message, no error, no overview."""
    widget = LineageCanvas()
    qtbot.addWidget(widget)
    widget.set_message("Nothing feeds this")
    widget.resize(400, 200)
    widget.show()
    blank = QImage(widget.size(), QImage.Format.Format_RGB32)
    blank.fill(QColor(TOKENS[style.scheme()].ground))

    assert widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32) != blank
    widget.fit()
    widget.fly_to("x")
    widget.zoom_in()
    qtbot.keyClick(widget, Qt.Key.Key_Right)


def test_a_flight_ends_where_it_should(qtbot, demo, monkeypatch):
    """Where motion is wanted the view travels, and hiding the window stops it."""
    monkeypatch.setattr(style, "reduced_motion", lambda: False)
    widget = LineageCanvas()
    qtbot.addWidget(widget)
    widget.resize(900, 500)
    widget.set_graph(*demo)
    widget.show()
    qtbot.waitExposed(widget)
    widget.fly_to("env.prod")

    qtbot.waitUntil(lambda: (seen_at(widget, "env.prod") - QPoint(450, 250)).manhattanLength() <= 2)
    widget.fly_to("raw.orders")
    widget.hide()


def test_memory_and_lists_give_the_same_picture(qapp, monkeypatch):
    """Where the binding cannot read arrays, lists draw the same lines and boxes."""
    lines = np.array([[float(at), 0.0, 99.0 - at, 99.0] for at in range(0, 100, 7)])
    boxes = np.array([[5.0, 5.0, 20.0, 10.0], [40.0, 50.0, 33.0, 8.0]])

    def picture():
        image = QImage(100, 100, QImage.Format.Format_RGB32)
        image.fill(QColor("#ffffff"))
        painter = QPainter(image)
        painter.setPen(QColor("#123456"))
        strokes.draw_lines(painter, lines)
        strokes.draw_boxes(painter, boxes)
        painter.end()
        return image

    assert strokes.reads_memory()
    from_memory = picture()
    monkeypatch.setattr(strokes, "reads_memory", lambda: False)

    assert picture() == from_memory


def test_what_is_chosen_is_seen(canvas):
    """The ring is drawn in the accent, with contrast enough to be seen."""
    canvas.fly_to("f.orders")
    plain = canvas.grab().toImage()
    canvas.select("f.orders")
    ringed = canvas.grab().toImage()

    accent = QColor(TOKENS[Scheme.LIGHT].accent).name()
    count = sum(ringed.pixelColor(x, y).name() == accent for x in range(1200) for y in range(310, 390))
    assert plain != ringed
    assert count > 200


def test_an_artist_elides_names_in_the_middle(qapp, scene):
    """Both ends of a long name stay: they are what tells versions apart."""
    artist = Artist(scene, Scheme.LIGHT)

    words = artist._short(
        "warehouse.raw.customers_including_deleted_v2", "title", 150, Qt.TextElideMode.ElideMiddle
    )

    assert words.startswith("ware")
    assert words.endswith("v2")
    assert "…" in words
