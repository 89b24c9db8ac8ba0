"""Who made which AWS call where and when, and how did it end, as one CloudTrail record says?

The principals are those of sources-ops 5.4 and 5.5; here they are only collected, and climbed in `lineage.identity`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage.model.facts import Hop, Json, Key
from lineage.model.moment import Moment, parse
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Origin
from lineage.sources._change_notes import pipeline_of
from lineage.sources._model_claims import mapping, scalar
from lineage.text import clip

_KINDS = {
    "IAMUser": "iam-user",
    "AssumedRole": "role",
    "Role": "role",
    "Root": "shared",
    "SAMLUser": "sso",
    "IdentityCenterUser": "sso",
    "AWSService": "service",
    "AWSAccount": "account",
}
"""Kinds of principals by `userIdentity.type`. A web identity may be a person or a pipeline: its form has to tell."""
_BY_ARN = ((":user/", "iam-user"), (":assumed-role/", "role"), (":root", "shared"))
_DENIED = re.compile(r"access.?denied|unauthorized|not.?authorized|forbidden", re.IGNORECASE)
_REFUSED = "not authorized to perform"
_SESSION = re.compile(r"arn:aws[\w-]*:sts::\d*:assumed-role/[^/]+/(.+)")


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a call.

    Attributes:
        name: as recorded: its ARN, else what stands for one; empty where the record names nobody.
        kind: what `userIdentity.type` says; `role`: the ARN of the role that a session belongs to.
        hops: what else the record says of who is behind it.
        access_key: the id (no secret) of the key that signed the call, by which an AssumeRole call can be found.
    """

    name: str
    kind: str
    role: str
    hops: tuple[Hop, ...]
    access_key: str
    invoked_by: str
    provider: str

    @property
    def actor(self) -> Key | None:
        """The key of the principal; None where the record names nobody."""
        return Key(Kind.ACTOR, "aws", self.name) if self.name else None


@dataclass(frozen=True, slots=True)
class Call:
    """One call as recorded.

    Attributes:
        place: `sagemaker://<account>/<region>`, where the things that the call is about live.
        asked, answered: the parameters of the request and what came back, without what is large or secret.
    """

    id: str
    name: str
    account: str
    region: str
    at: Moment
    outcome: Outcome
    error: str
    message: str
    asked: Mapping[str, Any]
    answered: Mapping[str, Any]
    caller: Caller
    agent: str
    address: str

    @property
    def place(self) -> str:
        """The namespace of everything that SageMaker names in this account and region."""
        return f"sagemaker://{self.account}/{self.region}"

    @property
    def here(self) -> Key:
        """The account and region as a thing, for calls that are about no target."""
        return Key(Kind.ENVIRONMENT, "sagemaker", f"{self.account}/{self.region}")

    @property
    def said(self) -> dict[str, Json]:
        """What is kept of every call, for people and for the chain of access keys."""
        caller = self.caller
        values: dict[str, Json] = {
            "call": self.name,
            "error": self.error,
            "message": clip(self.message, 500),
            "user_agent": clip(self.agent),
            "source_ips": [self.address] if self.address else [],
            "access_key": caller.access_key,
            "invoked_by": caller.invoked_by,
            "federated_by": caller.provider,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def pipeline(self) -> str:
        """The run of a CI pipeline that the session is named after; empty when none is."""
        found = _SESSION.fullmatch(self.caller.name)
        return pipeline_of((Hop(found[1], "session-name"),)) if found else ""


def call_of(record: Mapping[str, Any], origin: Origin) -> Call:
    """Return the call of a record; raises `ValueError` when its time cannot be read."""
    answered = mapping(record.get("responseElements"))
    identity = mapping(record.get("userIdentity"))
    account = (
        scalar(record.get("recipientAccountId"))
        or scalar(identity.get("accountId"))
        or origin.label("account")
    )
    error, message = scalar(record.get("errorCode")), scalar(record.get("errorMessage"))
    outcome = Outcome.DONE
    if error or message:
        denied = _DENIED.search(error) or _REFUSED in message
        outcome = Outcome.DENIED if denied else Outcome.FAILED
    said_at = scalar(record.get("eventTime")) or scalar(record.get("@timestamp"))
    return Call(
        id=scalar(record.get("eventID")),
        name=scalar(record.get("eventName")),
        account=account,
        region=scalar(record.get("awsRegion")) or origin.label("region"),
        at=parse(said_at, origin.label("timezone")),
        outcome=outcome,
        error=error,
        message=message,
        asked=mapping(record.get("requestParameters")),
        answered=answered,
        caller=caller_of(identity),
        agent=scalar(record.get("userAgent")),
        address=scalar(record.get("sourceIPAddress")),
    )


def caller_of(identity: Mapping[str, Any]) -> Caller:
    """Return the principal that `userIdentity` describes.

    >>> caller_of({"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"}).name
    'sagemaker.amazonaws.com'
    >>> caller_of({"type": "WebIdentityUser", "userName": "repo:org/x:environment:prod"}).kind
    'unknown'
    """
    arn, behalf = scalar(identity.get("arn")), mapping(identity.get("onBehalfOf"))
    session = mapping(identity.get("sessionContext"))
    issuer, web = mapping(session.get("sessionIssuer")), mapping(session.get("webIdFederationData"))
    principal, invoked_by = scalar(identity.get("principalId")), scalar(identity.get("invokedBy"))
    user = scalar(behalf.get("userId"))
    names = (
        arn, user, scalar(identity.get("userName")), principal, scalar(identity.get("accountId")), invoked_by,
    )  # fmt: skip
    said = scalar(identity.get("type"))
    kind = _KINDS.get(said) or next((kind for part, kind in _BY_ARN if not said and part in arn), "unknown")
    hops = []
    source = scalar(session.get("sourceIdentity"))
    if source:
        hops.append(Hop(source, "source-identity", "userIdentity.sessionContext.sourceIdentity"))
    if user:
        hops.append(Hop(user, "identity-center", "userIdentity.onBehalfOf.userId"))
    if kind == "role" and not arn and ":" in principal:
        hops.append(Hop(principal.partition(":")[2], "session-name", "userIdentity.principalId"))
    return Caller(
        name=invoked_by if said == "AWSService" and invoked_by else next(filter(None, names), ""),
        kind=kind,
        role=scalar(issuer.get("arn")) if kind == "role" else "",
        hops=tuple(hops),
        access_key=scalar(identity.get("accessKeyId")),
        invoked_by=invoked_by,
        provider=scalar(web.get("federatedProvider")),
    )
