"""Does a right let somebody change what a target serves?

Only the words of the right are compared, with their wildcards: verbs, resources and names of Kubernetes, actions and
ARNs of AWS, the resource that an access list names. A role whose permissions are not imported may allow anything.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from lineage.audit.rights import Path
from lineage.identity.agreement import TargetRow
from lineage.model.facts import Grant, Key
from lineage.model.naming import display
from lineage.sources._workload_kinds import SERVED, platform_of

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection", "*"})
_ENDPOINT = (
    "sagemaker:createendpoint",
    "sagemaker:updateendpoint",
    "sagemaker:deleteendpoint",
    "sagemaker:updateendpointweightsandcapacities",
    "sagemaker:createinferencecomponent",
    "sagemaker:updateinferencecomponent",
    "sagemaker:deleteinferencecomponent",
)
_REGISTRY = (
    "sagemaker:createmodel",
    "sagemaker:createendpointconfig",
    "sagemaker:createmodelpackage",
    "sagemaker:updatemodelpackage",
)
"""Actions that decide what may be served; asked about only where no target is."""

_READ_ONLY = re.compile(
    r"(?i)(?:.*[^a-z])?(?:read|reader|read[-_ ]?only|view|viewer|audit|auditor|get|list|watch)(?:[^a-z].*)?"
)
_WRITING = re.compile(
    r"(?i).*(?:write|admin|edit|deploy|owner|own|create|update|patch|delete|manage|release|\*)"
)
_NOT_ACTION, _NOT_RESOURCE = "NotAction ", "NotResource "


class Wanted(NamedTuple):
    """A target that is asked about, with the environment it stands in."""

    key: Key
    environment: str

    @property
    def place(self) -> str:
        """The system that rights on it are given in."""
        if self.key.namespace.startswith("sagemaker://"):
            return "aws:" + self.key.namespace.removeprefix("sagemaker://").partition("/")[0]
        return self.key.namespace

    @property
    def arn(self) -> str:
        """The ARN of an endpoint, in small letters; empty for other targets."""
        if not self.key.namespace.startswith("sagemaker://"):
            return ""
        account, _, region = self.key.namespace.removeprefix("sagemaker://").partition("/")
        kind, _, name = self.key.name.rpartition("/")
        resource = "inference-component" if kind else "endpoint"
        return f"arn:aws:sagemaker:{region}:{account}:{resource}/{name}".lower()


def reaches(path: Path, targets: Sequence[Wanted] | None) -> bool:
    """Tell whether a way of rights concerns changes of one of the targets; of anything that serves where None."""
    fact = path.last.fact
    wanted: Iterable[Wanted | None] = [None] if targets is None else targets
    if fact.place.startswith("kubernetes://"):
        return any(_kubernetes(path, one) for one in wanted)
    if fact.place == "aws" or fact.place.startswith("aws:"):
        return any(_aws(fact, one) for one in wanted)
    return any(_listed(fact, one) for one in wanted)


def _kubernetes(path: Path, wanted: Wanted | None) -> bool:
    fact = path.last.fact
    resource = ""
    if wanted is not None:
        namespace, _, rest = wanted.key.name.partition("/")
        resource, _, name = rest.partition("/")
        names = fact.detail.get("resource_names")
        if wanted.key.namespace != fact.place or path.where not in {"*", namespace}:
            return False
        if isinstance(names, list) and name not in names:
            return False
    if not fact.permissions:
        return not _reads(fact.role)
    return any(_serves(permission, resource) for permission in fact.permissions)


def _serves(permission: str, resource: str) -> bool:
    """Tell whether a permission writes `resource`, or any that serves models where none is named."""
    verbs, _, what = permission.partition(" ")
    named, _, group = what.partition(".")
    if not _WRITES & set(verbs.split(",")) or what.startswith("/"):
        return False
    return any(
        named in {"*", one} and (group == "*" or bool(platform_of(group, one)))
        for one in ([resource] if resource else SERVED)
    )


def _aws(fact: Grant, wanted: Wanted | None) -> bool:
    if wanted is not None and (
        not wanted.arn or fact.place not in {"aws", wanted.place} or not _resource(fact.where, wanted.arn)
    ):
        return False
    if not fact.permissions:
        return not _reads(fact.role)
    actions = _ENDPOINT if wanted is not None else _ENDPOINT + _REGISTRY
    left_out = [text for text in fact.permissions if text.startswith(_NOT_ACTION)]
    for text in left_out:
        patterns = text.removeprefix(_NOT_ACTION).lower().split(",")
        if not all(any(_like(action, pattern) for pattern in patterns) for action in actions):
            return True
    return any(_like(action, text.lower()) for text in fact.permissions for action in actions)


def _reads(role: str) -> bool:
    """Tell whether a role that was not imported only reads, by its name; any other may allow a change."""
    name = role.rpartition("/")[2]
    return "ReadOnly" in name or bool(_READ_ONLY.fullmatch(name) and not _WRITING.match(name))


def _resource(where: str, arn: str) -> bool:
    if where.startswith(_NOT_RESOURCE):
        return not any(
            _like(arn, pattern.lower()) for pattern in where.removeprefix(_NOT_RESOURCE).split(",")
        )
    pattern = re.sub(r"^arn:aws[\w-]*:", "arn:aws:", where.lower())
    return where in {"", "*"} or _like(arn, pattern)


def _listed(fact: Grant, wanted: Wanted | None) -> bool:
    said = [fact.role, *fact.permissions]
    if all(_READ_ONLY.fullmatch(text) and not _WRITING.match(text) for text in said):
        return False
    where = fact.where.strip().lower()
    if wanted is None or where in {"", "*"}:
        return True
    place = wanted.key.namespace.partition("://")[2]
    namespace = wanted.key.name.partition("/")[0]
    spelled = [*TargetRow(wanted.key).names, display(*wanted.key), wanted.environment, place, namespace]
    spelled += [place.partition("/")[0], f"{place}/{namespace}", wanted.arn]
    patterns = [part.strip() for part in re.split(r"[;,\n]+", where) if part.strip()]
    return any(_like(name.lower(), pattern) for pattern in patterns for name in spelled if name)


def _like(text: str, pattern: str) -> bool:
    """Compare with the wildcards `*` and `?`, which is all that IAM and lists know.

    >>> _like("sagemaker:updateendpoint", "sagemaker:update*"), _like("a.b", "a[.]b")
    (True, False)
    """
    return bool(_compiled(pattern).fullmatch(text))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))
