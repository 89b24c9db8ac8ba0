"""What a complete listing no longer holds has ended since it was last listed."""

from __future__ import annotations

from pathlib import Path

import lineage


def test_a_view_that_a_later_registry_lacks_has_ended_between_the_two(corpus: Path, tmp_path: Path) -> None:
    """The file of 16 February 2026 holds `billing_positive`, that of 1 April does not (`strings` on both files)."""
    folder = corpus / "ml" / "feast" / "file-registry"
    early, late = folder / "registry.2026-02-16.db", folder / "registry.db"
    assert b"billing_positive" in early.read_bytes()
    assert b"billing_positive" not in late.read_bytes()

    for order in ((early, late), (late, early)):
        with lineage.open(tmp_path / f"{order[0].name}.trail") as workspace:
            for path in order:
                workspace.import_([path])
            view = next(
                item
                for item in workspace.entities("kind:feature-view").items
                if item["name"] == "billing_positive"
            )

        assert view["ended"]["not_before"].startswith("2026-02-16")
        assert view["ended"]["not_after"].startswith("2026-04-01")
