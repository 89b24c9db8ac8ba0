"""Does `run` show the sample company, with a display and without one?"""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def scene(part, monkeypatch, tmp_path):
    """The demonstration, building below an empty folder, with the product's own modules stood in for."""
    module = part("demonstration")
    build = tmp_path / "build"
    monkeypatch.setattr(module, "TOP", tmp_path)
    for name, place in (
        ("BUILD", build),
        ("SAMPLE", build / "sample"),
        ("WORKSPACE", build / "sample.trail"),
        ("STAMP", build / "sample.stamp"),
        ("REPORT", build / "report"),
        ("PICTURE", build / "lineage.png"),
    ):
        monkeypatch.setattr(module, name, place)
    module.asked = []

    def step(_python, *words, **_options):
        module.asked.append(words)
        if "import" in words:
            module.WORKSPACE.write_bytes(b"workspace")
        if "report" in words:
            module.REPORT.mkdir()
            (module.REPORT / "deployments.html").write_bytes(b"<html>")
        if "--picture" in words:
            module.PICTURE.write_bytes(b"\x89PNG")

    monkeypatch.setattr(module, "step", step)
    return module


def test_without_a_display_report_and_picture_are_written_and_named(scene, monkeypatch, capsys):
    """A server has no screen: the newcomer still sees something, and is told where."""
    monkeypatch.setattr(scene, "has_display", lambda _python: False)

    status = scene.show(Path(sys.executable))

    said = capsys.readouterr().out
    assert status == 0
    assert "build/report/deployments.html" in said
    assert "build/lineage.png" in said


def test_the_sample_is_imported_once(scene, monkeypatch):
    """The second start takes the workspace that is there."""
    monkeypatch.setattr(scene, "has_display", lambda _python: False)
    scene.show(Path(sys.executable))
    scene.asked.clear()

    scene.show(Path(sys.executable))

    assert [words for words in scene.asked if "import" in words or "resources.sample" in words] == []


def test_the_sample_is_made_anew_when_the_code_that_makes_it_changed(scene, tmp_path):
    """Who pulls a newer checkout sees what the newer code says."""
    scene.provide_workspace(Path(sys.executable))
    scene.asked.clear()
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "sample.py").write_text("SEED = 2", "utf-8")

    scene.provide_workspace(Path(sys.executable))

    assert [words[0] for words in scene.asked] == ["resources.sample", "lineage"]


def test_an_answer_that_needs_a_person_is_no_failure(part, tmp_path, monkeypatch):
    """Status 1 with an answer means done; status 1 without one is a crash."""
    demonstration = part("demonstration")
    monkeypatch.setattr(demonstration, "TOP", tmp_path)
    (tmp_path / "answering.py").write_text("import sys\nprint('{\"items\": []}')\nsys.exit(1)", "utf-8")

    assert demonstration.step(Path(sys.executable), "answering") == '{"items": []}\n'


def test_a_step_that_fails_is_named_with_its_status(part):
    """The person learns which of the product's own commands did not end well."""
    demonstration = part("demonstration")

    with pytest.raises(part("notices").StopError, match="python -m no_such_module_here"):
        demonstration.step(Path(sys.executable), "no_such_module_here")
