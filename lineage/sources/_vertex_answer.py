"""What is a saved answer of Vertex AI about, and when was it so?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage.model.moment import Moment, parse
from lineage.source import Origin, Problem
from lineage.sources._deployed_models import taken_apart
from lineage.sources._model_claims import scalar
from lineage.text import clip


@dataclass(slots=True)
class Answer:
    """One resource as Vertex AI described or listed it.

    Attributes:
        said: its members; `name`: its resource name.
        problems: what could not be read of it, gathered while it is read.
    """

    said: Mapping[str, Any]
    name: str
    origin: Origin
    problems: list[Problem] = field(default_factory=list)

    @property
    def collection(self) -> str:
        """What kind of resource it is (`models`, `endpoints`, ...); empty for what is none."""
        parts = taken_apart(self.name)
        return parts[1] if parts else ""

    def text(self, member: str) -> str:
        """Return a member as text; empty when there is none."""
        return scalar(self.said.get(member))

    def time(self, member: str) -> Moment | None:
        """Return a time."""
        value = self.said.get(member)
        if value in (None, ""):
            return None
        try:
            return parse(scalar(value), self.origin.label("timezone"))
        except (ValueError, OverflowError) as error:
            reason = f"the time cannot be read: {error}"
            self.problems.append(Problem("bad-time", reason, member, clip(value), fatal=False))
            return None
