"""What is a saved answer of SageMaker about, where and when was it so, and which call would have told the same?

Answers spell their members as the API does (first letter large), CloudTrail with a small one; what a model, a
configuration and a package hold is otherwise the same, so an answer is read as the call that made the thing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lineage.model.facts import Hop, Key
from lineage.model.moment import EPOCH, Moment, parse
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Origin, Problem
from lineage.sources._model_claims import mapping, scalar
from lineage.sources._recorded_call import Call, Caller
from lineage.text import clip

ARN = re.compile(r"arn:aws[\w-]*:sagemaker:([a-z0-9-]+):(\d+):([a-z-]+)/(.+)")
_TABLES = frozenset({"Environment", "HyperParameters", "CustomerMetadataProperties"})
_NOBODY = Caller("", "", "", (), "", "", "")


@dataclass(slots=True)
class Answer:
    """One thing as SageMaker described or listed it.

    Attributes:
        said: the members of the answer; `arn`: of the thing; `account`, `region`: where it lives.
        problems: what could not be read of it, gathered while it is read.
    """

    said: Mapping[str, Any]
    arn: str
    account: str
    region: str
    origin: Origin
    problems: list[Problem] = field(default_factory=list)

    @property
    def place(self) -> str:
        """The namespace of everything that SageMaker names in this account and region."""
        return f"sagemaker://{self.account}/{self.region}"

    def text(self, name: str) -> str:
        """Return a member as text; empty when there is none."""
        return scalar(self.said.get(name))

    def time(self, name: str) -> Moment | None:
        """Return a time: the command line's second version writes ISO 8601, its first seconds since 1970."""
        value = self.said.get(name)
        if value in (None, ""):
            return None
        try:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return parse((EPOCH + timedelta(seconds=value)).isoformat())
            return parse(value.replace("UTC", "").strip(), self.origin.label("timezone"))
        except (ValueError, OverflowError, TypeError, AttributeError) as error:
            self._bad(name, value, str(error))
            return None

    def label(self, name: str) -> Moment | None:
        """Return the time that somebody gave with the import as the label `name`."""
        value = self.origin.label(name)
        try:
            return parse(value, self.origin.label("timezone")) if value else None
        except ValueError as error:
            self._bad(name, value, str(error))
            return None

    def _bad(self, name: str, value: Any, why: str) -> None:
        self.problems.append(
            Problem("bad-time", f"the time cannot be read: {why}", name, clip(value), fatal=False)
        )

    def who(self, name: str) -> tuple[Key | None, str, tuple[Hop, ...]]:
        """Return the principal of a `UserContext` (CreatedBy, LastModifiedBy), its kind, and who else it names."""
        context = mapping(self.said.get(name))
        identity = mapping(context.get("IamIdentity"))
        arn, profile = scalar(identity.get("Arn")), scalar(context.get("UserProfileName"))
        hops = []
        if source := scalar(identity.get("SourceIdentity")):
            hops.append(Hop(source, "source-identity", f"{name}.IamIdentity.SourceIdentity"))
        if profile:
            hops.append(Hop(profile, "user-profile", f"{name}.UserProfileName"))
        called = arn or scalar(context.get("UserProfileArn")) or profile
        if not called:
            return None, "", ()
        kind = "iam-user" if ":user/" in arn else "role" if ":assumed-role/" in arn else "unknown"
        return Key(Kind.ACTOR, "aws", called), kind, tuple(hops)

    def call(self, name: str, at: Moment) -> Call:
        """Return the answer as the call `name` that made the thing at `at`; the answer does not say who made it."""
        asked = {_small(member): _lowered(value, member) for member, value in self.said.items()}
        identity = f"{self.arn}@{at.text or at.lo}"
        return Call(
            identity, name, self.account, self.region, at, Outcome.DONE, "", "", asked, asked, _NOBODY, "", ""
        )


def answer_of(value: Mapping[str, Any], arn: str, origin: Origin) -> Answer | Problem:
    """Return the answer about the thing called `arn`; where that names no account or region, labels do."""
    found = ARN.fullmatch(arn)
    region, account = (found[1], found[2]) if found else (origin.label("region"), origin.label("account"))
    if not account or not region:
        missing = "region" if account else "account"
        reason = f"the answer does not say the {missing}; name it with --label {missing}=..."
        return Problem("missing-field", reason, "Arn", clip(arn))
    return Answer(value, arn, account, region, origin)


def as_written(where: str) -> str:
    """Return the path of a field as the answer spells it.

    >>> as_written("requestParameters.primaryContainer.modelDataUrl")
    'PrimaryContainer.ModelDataUrl'
    >>> as_written("requestParameters.primaryContainer.environment.MODEL_URI")
    'PrimaryContainer.Environment.MODEL_URI'
    """
    path, variables, name = where.removeprefix("requestParameters.").partition(".environment.")
    written = ".".join(part[:1].upper() + part[1:] for part in path.split("."))
    return f"{written}.Environment.{name}" if variables else written


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]


def _lowered(value: Any, name: str = "") -> Any:
    """Return `value` with its members spelled as CloudTrail does; the names in tables of the user's own stay."""
    if isinstance(value, dict):
        if name in _TABLES:
            return value
        return {_small(str(key)): _lowered(inner, str(key)) for key, inner in value.items()}
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value
