"""What can be current in the window, and by which selector is it asked for?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.models.wording import Item, model_of, plain


@dataclass(frozen=True, slots=True)
class Subject:
    """What the details are about.

    Attributes:
        kind: `deployment`, `live`, `entity`, `edge`, `event`, `problem`, `finding`, `import` or `coverage`.
        item: as the answer gave it.
    """

    kind: str
    item: Item = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is called, in one line."""
        item = self.item
        if self.kind in {"deployment", "live"}:
            return f"{model_of(item)} on {plain(item.get('target'))}"
        if self.kind == "edge":
            ends = (plain(item.get(f"{end}_display")) or name_in(item.get(end)) for end in ("from", "to"))
            return " → ".join(ends)
        if self.kind == "finding":
            return plain(item.get("text"))
        if self.kind == "problem":
            return plain(item.get("reason"))
        return plain(item.get("display") or item.get("name") or item.get("file") or item.get("id"))

    @property
    def selector(self) -> str:
        """The selector of the thing whose lineage this is about; empty when there is none."""
        item = self.item
        if self.kind == "entity":
            return selector_of(item.get("id"))
        if self.kind in {"deployment", "live"}:
            # The version is what this deployment served; its target also served all the others.
            served = sorted(item.get("models") or [], key=lambda part: -(part.get("weight") or 0))
            version = next((part["id"] for part in served if part.get("id")), "")
            target = selector_of(item.get("target_id")) or quoted(str(item.get("target") or ""))
            return selector_of(version) or target
        if self.kind in {"event", "finding"}:
            return selector_of(item.get("subject_id"))
        if self.kind == "edge":
            return selector_of(item.get("to"))
        return ""

    @property
    def subject_name(self) -> str:
        """What the thing that `selector` names is called."""
        if self.kind in {"deployment", "live"}:
            with_id = any(part.get("id") for part in self.item.get("models") or [])
            return model_of(self.item) if with_id else plain(self.item.get("target"))
        if self.kind in {"event", "finding"}:
            return plain(self.item.get("subject"))
        if self.kind == "edge":
            return plain(self.item.get("to_display")) or name_in(self.item.get("to"))
        return self.title

    @property
    def evidence(self) -> list[Item]:
        """The references to the records that say so."""
        found = self.item.get("evidence")
        return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def quoted(text: str) -> str:
    """Return a name as a selector takes it, whatever stands in it; empty for an empty one.

    >>> quoted("a, b")
    "'a, b'"
    """
    if not text:
        return ""
    return f'"{text}"' if "'" in text else f"'{text}'"


def selector_of(identifier: Any) -> str:
    """Return the selector of the thing with that id; empty when it has none.

    >>> selector_of("dataset|s3://lake|a/b")
    "id:'dataset|s3://lake|a/b'"
    """
    text = str(identifier or "")
    return f"id:{quoted(text)}" if text else ""


def name_in(identifier: Any) -> str:
    """Return the name within an id, for where nothing better is known.

    >>> name_in("dataset|s3://lake|a/b")
    'a/b'
    """
    return plain(str(identifier or "").rpartition("|")[2])
