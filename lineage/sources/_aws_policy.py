"""What does a policy document of AWS allow or forbid, to whom it is attached or whom it names?

A statement is told as written: actions with their wildcards, `NotAction` and `NotResource` as what is left out,
conditions as text. Nothing is evaluated: whether an allowance counts depends on denials, boundaries and policies of the
organisation that may not have been imported (sources-ops 6). IAM JSON policy elements reference: a statement is an
object or a list of them; documents come as objects, as JSON text, and as URL-encoded JSON text (RFC 3986).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from lineage.model.facts import Grant, Json, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Problem
from lineage.sources._model_claims import mapping, scalar
from lineage.text import MalformedError, clip, dumps, loads

SYSTEM = "aws"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who or what a policy belongs to.

    Attributes:
        key: the principal, group or policy that the statements are told of.
        role: what is granted by them: the policy, or the role that a trust policy lets be assumed.
        via: how the policy comes to its holder; `within`: the boundary that limits it, empty = none.
    """

    key: Key
    role: str
    place: str
    via: str = ""
    within: str = ""
    since: Moment | None = None
    at: Moment | None = None
    detail: Mapping[str, Json] = field(default_factory=dict)


def principal(name: str) -> Key:
    """Return the key of a principal of AWS, as CloudTrail names it too: its ARN."""
    return Key(Kind.ACTOR, SYSTEM, name)


def document_of(value: Any) -> dict[str, Any]:
    """Return a policy document; raises `MalformedError` when it is none.

    >>> document_of("%7B%22Statement%22%3A%5B%5D%7D")
    {'Statement': []}
    """
    if isinstance(value, str):
        value = loads(value if value.lstrip()[:1] == "{" else unquote(value))
    if not isinstance(value, dict) or "Statement" not in value:
        raise MalformedError("not-a-policy", "this is no policy document: it has no Statement")
    return value


def listed(value: Any) -> list[Any]:
    """Return a value that may stand alone or in a list as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def grants(value: Any, holder: Holder, report: Callable[[Problem], None], place: str) -> Iterator[Grant]:
    """Yield what each statement of a document says of its holder; `place` is the field the document stands in.

    A statement with a `Principal` speaks of those it names, about the holder's role: a trust policy.
    """
    try:
        document = document_of(value)
    except MalformedError as error:
        report(Problem(error.code, error.reason, place, clip(value), fatal=False))
        return
    for number, entry in enumerate(listed(document["Statement"])):
        where = f"{place}.Statement[{number}]" if place else f"Statement[{number}]"
        statement = mapping(entry)
        effect = scalar(statement.get("Effect"))
        if effect not in {"Allow", "Deny"}:
            reason = "a statement allows or denies; this one says neither"
            report(Problem("bad-effect", reason, f"{where}.Effect", clip(entry), fatal=False))
            continue
        permissions = tuple(_permissions(statement))
        if not permissions:
            report(Problem("missing-field", "the statement names no action", f"{where}.Action", fatal=False))
            continue
        for who in _principals(statement) or [holder.key]:
            for resource in _resources(statement, holder):
                yield _grant(statement, holder, who, permissions, resource, allowed=effect == "Allow")


def _grant(
    statement: Mapping[str, Any],
    holder: Holder,
    who: Key,
    permissions: tuple[str, ...],
    resource: str,
    *,
    allowed: bool,
) -> Grant:
    conditions = [dumps(statement["Condition"]).decode()] if statement.get("Condition") else []
    if holder.within and allowed:
        conditions.append(f"only within the permissions boundary {holder.within}")
    sid = scalar(statement.get("Sid"))
    thing = endpoint(resource)
    return Grant(
        who,
        holder.role,
        permissions,
        where=resource,
        place=holder.place,
        things=(thing,) if thing else (),
        allowed=allowed,
        conditional="; ".join(conditions),
        since=holder.since,
        at=holder.at,
        via=holder.via,
        detail={**holder.detail, **({"statement": sid} if sid else {})},
    )


def _permissions(statement: Mapping[str, Any]) -> Iterator[str]:
    yield from filter(None, map(scalar, listed(statement.get("Action"))))
    left_out = [text for text in map(scalar, listed(statement.get("NotAction"))) if text]
    if left_out:
        yield "NotAction " + ",".join(left_out)


def _resources(statement: Mapping[str, Any], holder: Holder) -> list[str]:
    named = [text for text in map(scalar, listed(statement.get("Resource"))) if text]
    left_out = [text for text in map(scalar, listed(statement.get("NotResource"))) if text]
    if left_out:
        named.append("NotResource " + ",".join(left_out))
    return named or [holder.role]


def _principals(statement: Mapping[str, Any]) -> list[Key]:
    """Return whom a statement names: accounts, users and roles, services, identity providers; `*` is anybody."""
    said = statement.get("Principal")
    if said is None and "NotPrincipal" in statement:
        return [principal("NotPrincipal " + dumps(statement["NotPrincipal"]).decode())]
    if isinstance(said, str):
        return [principal(said)] if said else []
    names = [
        scalar(name) for kind in sorted(map(str, mapping(said))) for name in listed(mapping(said).get(kind))
    ]
    return [principal(name) for name in names if name]


def endpoint(arn: str) -> Key | None:
    """Return the target that an ARN names exactly, None for any other resource and for patterns.

    >>> endpoint("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/churn")[1:]
    ('sagemaker://123456789012/eu-west-1', 'churn')
    """
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "sagemaker" or any(mark in arn for mark in "*?$"):
        return None
    kind, _, name = parts[5].partition("/")
    if kind != "endpoint" or not name:
        return None
    return Key(Kind.TARGET, f"sagemaker://{parts[4]}/{parts[3]}", name)
