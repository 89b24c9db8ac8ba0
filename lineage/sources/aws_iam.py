"""Who may do what in an AWS account, as its IAM users, groups, roles and policies say?

Read are what `aws iam get-account-authorization-details` prints, and policy documents by themselves. Of a managed
policy its default version counts. Membership in a group, an attached policy and a trust policy are told each as a right
to have what the group, the policy or the role has; they are joined when asked about. The export does not say when it
was made, nor since when a policy is attached: the label `observed_at` says the first, the second lies between the
principal's creation and then. A policy document by itself names neither itself nor anybody (label `policy`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lineage import framing
from lineage.model import moment
from lineage.model.facts import Coverage, Entity, Fact, Grant, Json, Key
from lineage.model.moment import Moment
from lineage.source import Filtered, Input, Origin, Problem, Record, Sample
from lineage.sources._aws_policy import Holder, grants, listed, principal
from lineage.sources._model_claims import items, mapping, scalar
from lineage.text import MalformedError, clip, dumps, loads

NAME = "aws-iam"
FORMAT = "AWS IAM (JSON): get-account-authorization-details, get-policy-version, policy documents"
PROVES = ("who", "what")

_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_DETAILS = re.compile(r'"(?:User|Group|Role)DetailList"\s*:\s*\[')
_ACCOUNT = re.compile(r"arn:aws[\w-]*:iam::(\d+):")
_ATTACHED, _MEMBER, _TRUST = "attached policy", "group member", "trust policy"


def recognises(sample: Sample) -> float:
    """Return how sure it is that these are details of an account or a policy document."""
    if sample.listing or sample.text.lstrip()[:1] != "{":
        return 0.0
    if _DETAILS.search(sample.text[:8192]):
        return 0.95
    value = mapping(sample.first_json)
    document = mapping(mapping(value.get("PolicyVersion")).get("Document")) or value
    statements = listed(document.get("Statement"))
    named = {"Effect"} <= mapping(statements[0]).keys() if statements else False
    if scalar(mapping(value.get("PolicyVersion")).get("VersionId")):
        return 0.9
    return 0.9 if named and scalar(document.get("Version")) in {"2012-10-17", "2008-10-17", ""} else 0.0


def records(given: Input, origin: Origin) -> Iterator[Record | Problem]:
    """Cut into users, groups, roles and policies; a policy document is a record by itself."""
    del origin
    document = framing.whole(given)
    if isinstance(document, Problem):
        yield document
        return
    try:
        value = mapping(loads(document.raw))
    except MalformedError:
        yield from framing.json_values(given)
        return
    lists = [name for name in _LISTS if isinstance(value.get(name), list)]
    if not lists:
        yield from framing.json_values(given)
        return
    truncated = value.get("IsTruncated") is True
    for name in lists:
        for item in framing.json_items(document, name):
            if isinstance(item, Record):
                yield Record(item.raw, item.offset, item.line, item.row, parsed=not truncated)
            else:
                yield item
    if truncated:
        reason = (
            "this page says that the account has more; nothing is missing if the next pages are imported too"
        )
        yield Problem("more-pages", reason, "IsTruncated", "true", 0, 1, fatal=False)


def read(record: Record, origin: Origin) -> Iterable[Fact | Problem | Filtered]:
    """Say what a user, group, role or policy may do."""
    try:
        value = loads(record.raw)
    except MalformedError as error:
        yield Problem(error.code, error.reason, value=repr(record.raw[:80]))
        return
    if not isinstance(value, dict):
        yield Problem("not-a-principal", "the record is no JSON object", value=clip(value))
        return
    problems: list[Problem] = []
    seen = _time(origin.label("observed_at"), "observed_at", origin, problems.append)
    if "PolicyVersionList" in value:
        yield from _policy(value, origin, seen, problems.append)
    elif "Statement" in value or "PolicyVersion" in value:
        yield from _document(value, record, origin, seen, problems.append)
    elif scalar(value.get("Arn")):
        yield from _principal(value, origin, seen, problems.append)
    else:
        problems.append(
            Problem(
                "not-a-principal", "this is no user, group, role or policy: it has no Arn", "Arn", clip(value)
            )
        )
    if seen is not None and not any(problem.fatal for problem in problems) and value.get("Arn"):
        what = record.row.split("/")[1] if record.row.startswith("/") else "details"
        listing = _listing(scalar(value["Arn"]), what)
        yield Coverage(listing, "access", seen, seen, complete=record.parsed is True)
    yield from problems


def _listing(arn: str, what: str) -> str:
    found = _ACCOUNT.match(arn)
    return f"aws-iam:{found[1] if found else ''}/{what}"


def _place(arn: str, origin: Origin) -> str:
    found = _ACCOUNT.match(arn)
    account = found[1] if found else origin.label("account")
    return f"aws:{account}" if account else "aws"


def _principal(
    body: Mapping[str, Any], origin: Origin, seen: Moment | None, report: Callable[[Problem], None]
) -> Iterator[Fact]:
    arn = scalar(body["Arn"])
    kind = next((kind for kind in ("user", "group", "role") if scalar(body.get(f"{kind.title()}Name"))), "")
    what = {"user": "UserDetailList", "group": "GroupDetailList", "role": "RoleDetailList"}.get(
        kind, "details"
    )
    place, key = _place(arn, origin), principal(arn)
    created = _time(body.get("CreateDate"), "CreateDate", origin, report)
    boundary = scalar(mapping(body.get("PermissionsBoundary")).get("PermissionsBoundaryArn"))
    used = scalar(mapping(body.get("RoleLastUsed")).get("LastUsedDate"))
    attributes: dict[str, Json] = {
        "kind": kind,
        "name": scalar(body.get(f"{kind.title()}Name")) if kind else "",
        "aws_id": scalar(body.get(f"{kind.title()}Id")) if kind else "",
        "permissions_boundary": boundary,
        "last_used": used,
    }
    listing = _listing(arn, what)
    yield Entity(
        key,
        {name: value for name, value in attributes.items() if value},
        seen,
        listing if seen is not None else "",
        created=created,
    )
    since = Moment(created.lo, seen.hi) if created and seen and created.lo <= seen.hi else None
    detail: dict[str, Json] = {"listing": listing, "principal": kind}
    for group in map(scalar, items(body.get("GroupList"))):
        if group:
            account = place.partition(":")[2]
            name = (
                group if group.startswith("arn:") else f"{arn.split(':iam:')[0]}:iam::{account}:group/{group}"
            )
            yield Grant(key, name, place=place, where="*", since=since, at=seen, via=_MEMBER, detail=detail)
    within = f"only within the permissions boundary {boundary}" if boundary else ""
    for entry in map(mapping, items(body.get("AttachedManagedPolicies"))):
        policy = scalar(entry.get("PolicyArn")) or scalar(entry.get("PolicyName"))
        if policy:
            yield Grant(
                key,
                policy,
                place=place,
                where="*",
                conditional=within,
                since=since,
                at=seen,
                via=_ATTACHED,
                detail=detail,
            )
    inline = f"{kind.title()}PolicyList" if kind else "RolePolicyList"
    for number, entry in enumerate(map(mapping, items(body.get(inline)))):
        name = scalar(entry.get("PolicyName"))
        holder = Holder(key, name, place, f"inline policy {name}", boundary, since, seen, detail)
        yield from grants(entry.get("PolicyDocument"), holder, report, f"{inline}[{number}].PolicyDocument")
    if body.get("AssumeRolePolicyDocument"):
        holder = Holder(key, arn, place, _TRUST, "", since, seen, {**detail, "principal": "trusted"})
        field = "AssumeRolePolicyDocument"
        trusted = grants(body[field], holder, report, field)
        yield from (grant for grant in trusted if grant.grantee != key)


def _policy(
    body: Mapping[str, Any], origin: Origin, seen: Moment | None, report: Callable[[Problem], None]
) -> Iterator[Fact]:
    arn = scalar(body.get("Arn"))
    if not arn:
        report(Problem("missing-field", "the policy has no Arn", "Arn", clip(body.get("PolicyName"))))
        return
    versions = [(number, mapping(entry)) for number, entry in enumerate(items(body.get("PolicyVersionList")))]
    default = scalar(body.get("DefaultVersionId"))
    number, version = next(
        (
            each
            for each in versions
            if each[1].get("IsDefaultVersion") is True or scalar(each[1].get("VersionId")) == default != ""
        ),
        (-1, {}),
    )
    if number < 0:
        report(Problem("missing-field", "no version of the policy is its default", "DefaultVersionId", arn))
        return
    listing = _listing(arn, "Policies")
    attributes: dict[str, Json] = {
        "kind": "policy",
        "name": scalar(body.get("PolicyName")),
        "version": scalar(version.get("VersionId")),
    }
    created = _time(body.get("CreateDate"), "CreateDate", origin, report)
    yield Entity(principal(arn), attributes, seen, listing if seen is not None else "", created=created)
    yield from _versioned(
        principal(arn), version, arn, origin, seen, report, f"PolicyVersionList[{number}].", listing
    )


def _versioned(
    key: Key,
    version: Mapping[str, Any],
    role: str,
    origin: Origin,
    seen: Moment | None,
    report: Callable[[Problem], None],
    field: str,
    listing: str,
) -> Iterator[Fact]:
    """Yield what a version of a policy says: in force at its creation at the earliest, as it was made the default."""
    made = _time(version.get("CreateDate"), f"{field}CreateDate", origin, report)
    since = Moment(made.lo, max(made.hi, seen.hi)) if made and seen else made
    detail: dict[str, Json] = {"principal": "policy"}
    if listing:
        detail["listing"] = listing
    if scalar(version.get("VersionId")):
        detail["version"] = scalar(version["VersionId"])
    holder = Holder(key, role, _place(role, origin), role, "", since, seen, detail)
    yield from grants(version.get("Document"), holder, report, f"{field}Document")


def _document(
    body: Mapping[str, Any],
    record: Record,
    origin: Origin,
    seen: Moment | None,
    report: Callable[[Problem], None],
) -> Iterator[Fact | Filtered]:
    version = mapping(body.get("PolicyVersion"))
    document = version.get("Document") if version else body
    name = origin.label("policy") or scalar(mapping(document).get("Id"))
    # Its bytes are all that tells a document without a name from others.
    role = name or f"policy sha256:{hashlib.sha256(dumps(document)).hexdigest()[:12]}"
    yield Entity(principal(role), {"kind": "policy", "declared": True})
    if version:
        yield from _versioned(principal(role), version, role, origin, seen, report, "PolicyVersion.", "")
        return
    detail: dict[str, Json] = {"principal": "policy", "declared": True}
    holder = Holder(principal(role), role, _place("", origin), role, at=seen, detail=detail)
    yield from grants(document, holder, report, "")


def _time(value: Any, field: str, origin: Origin, report: Callable[[Problem], None]) -> Moment | None:
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return moment.from_seconds(value)
        return moment.parse(scalar(value), origin.label("timezone"))
    except (ValueError, OverflowError) as error:
        report(Problem("bad-time", f"this is no time: {error}", field, clip(value), fatal=False))
    return None
