"""Who told SageMaker to serve which model, who approved it, and was it allowed, as AWS CloudTrail recorded it?

Read are the files that CloudTrail writes (`{"Records": [...]}`), JSON lines, what `aws cloudtrail lookup-events` prints
(`{"Events": [{"CloudTrailEvent": "<JSON>"}]}`), and records inside CloudWatch or EventBridge envelopes; see sources-ops
5.4. A record becomes

- a happening of an endpoint (or of an inference component, which later calls name without its endpoint):
  CreateEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DeleteEndpoint and the like;
- a definition (`define-model`, `define-config`), by which `lineage.identity.sagemaker` finds what an endpoint's
  configuration stood for at that time: the call that deploys names only the configuration;
- a registered version and its approval: CreateModelPackage, UpdateModelPackage, DeleteModelPackage;
- `assume-role`: which caller was given which temporary key (the id, never the secret), to follow a session to a person.

Every call is known by service and name together, because names recur in other services. A call with an error code is an
attempt, never a deployment. CloudTrail shows that SageMaker accepted a call, not that the endpoint came into service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lineage import framing
from lineage.model.facts import Fact, Happened, Key
from lineage.model.vocabulary import Kind, Outcome
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources import _recorded_packages as packages
from lineage.sources import _recorded_serving as serving
from lineage.sources._model_claims import mapping, scalar
from lineage.sources._recorded_call import Call, call_of
from lineage.text import MalformedError, clip, loads

NAME = "cloudtrail"
FORMAT = "AWS CloudTrail records of SageMaker and STS: log files, JSON lines, lookup-events"
PROVES = ("who", "when", "what")

_LISTS = ("Records", "Events", "logEvents")
_IN_LISTS = tuple(f'"{name}"'.encode() for name in _LISTS)
_SERVICE = re.compile(r'"eventSource"\s*:\s*"[a-z0-9.-]+\.amazonaws\.com"')
_READS = ("Describe", "List", "Get", "Search", "BatchDescribe", "BatchGet", "Query")
_INVOKES = ("Invoke",)
_ASSUMES = frozenset(
    {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken"}
)
_Reader = Callable[[Call], Iterator[Fact | Problem | Filtered]]

_READERS: dict[str, _Reader] = {**serving.READERS, **packages.READERS}


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are CloudTrail records, of whatever service."""
    if sample.listing or not sample.head:
        return 0.0
    first = sample.first_json
    if isinstance(first, dict):
        inside = next((first[name] for name in _LISTS if isinstance(first.get(name), list)), None)
        for value in inside or [first]:
            try:
                found = _unwrapped(value)
            except MalformedError:
                return 0.0
            return 0.95 if _is_record(found) else 0.0
        return 0.0
    plain = sample.text.replace('\\"', '"')
    return 0.9 if _SERVICE.search(plain) and '"eventName"' in plain and '"userIdentity"' in plain else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut a file into its records; lines that hold lists are cut as well."""
    for record in framing.json_values(given, *_LISTS):
        if isinstance(record, Record) and any(name in record.raw[:200] for name in _IN_LISTS):
            yield from framing.json_items(record, *_LISTS)
        else:
            yield record


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a call did to what SageMaker serves, or why it is left out."""
    try:
        value = _unwrapped(loads(record.raw))
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if not _is_record(value):
        if isinstance(value, dict) and scalar(value.get("eventCategory")) == "Insight":
            yield Filtered("insight")
        else:
            reason = "the record names no service and call, so it is none of CloudTrail"
            yield Problem("not-cloudtrail", reason, "eventSource", clip(repr(value)))
        return
    service, name = scalar(value["eventSource"]).lower(), scalar(value["eventName"])
    reader: _Reader = _READERS.get(name, _assumed)
    if service == "sts.amazonaws.com" and name in _ASSUMES:
        reader = _assumed
    elif service != "sagemaker.amazonaws.com":
        yield Filtered("not-sagemaker")
        return
    elif value.get("readOnly") in (True, "true") or name.startswith(_READS):
        yield Filtered("read-only")
        return
    elif name not in _READERS:
        yield Filtered("invocation" if name.startswith(_INVOKES) else "not-about-serving")
        return
    try:
        call = call_of(value, origin)
    except (ValueError, OverflowError) as error:
        at = clip(value.get("eventTime"))
        yield Problem("bad-time", f"the time of the call cannot be read: {error}", "eventTime", at)
        return
    if reader is not _assumed and not (call.account and call.region):
        field, label = ("awsRegion", "region") if call.account else ("recipientAccountId", "account")
        reason = f"the record does not say the {label}; name it with --label {label}=..."
        yield Problem("missing-field", reason, field)
        return
    yield from reader(call)


def _unwrapped(value: Any) -> Any:
    """Return the record inside what `lookup-events`, CloudWatch Logs or EventBridge put around it."""
    if isinstance(value, dict) and "eventName" not in value:
        for field in ("CloudTrailEvent", "message", "detail"):
            inner = value.get(field)
            if isinstance(inner, str) and inner.lstrip().startswith("{"):
                return loads(inner)
            if isinstance(inner, dict) and "eventName" in inner:
                return inner
    return value


def _is_record(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and "." in scalar(value.get("eventSource"))
        and bool(scalar(value.get("eventName")))
        and ("userIdentity" in value or "eventVersion" in value)
    )


def _assumed(call: Call) -> Iterator[Fact | Problem | Filtered]:
    """Say who was given a temporary key; a service that takes on its own role leads to nobody."""
    issued = scalar(mapping(call.answered.get("credentials")).get("accessKeyId"))
    if call.outcome is not Outcome.DONE or not issued:
        yield Filtered("no-session")
        return
    if call.caller.kind == "service" or call.caller.actor is None:
        yield Filtered("by-service")
        return
    user = mapping(call.answered.get("assumedRoleUser")) or mapping(call.answered.get("federatedUser"))
    session = scalar(user.get("arn"))
    yield Happened(
        type="assume-role",
        subject=Key(Kind.ACTOR, "aws", session) if session else call.caller.actor,
        at=call.at,
        id=call.id,
        actor=call.caller.actor,
        actor_kind=call.caller.kind,
        effective=call.caller.role,
        chain=call.caller.hops,
        detail={
            **call.said,
            "issued_key": issued,
            "role": scalar(call.asked.get("roleArn")),
            "session": scalar(call.asked.get("roleSessionName")),
        },
    )
