"""Who may do what on a Kubernetes cluster, as its roles and bindings say?

A role says what is allowed, a binding who has a role and where; each is told by itself, and they are joined when asked
about, by the role's name and the cluster. A role is a principal of kind `role` named in the cluster, so that what it
allows can be told without anybody who has it. What an object names is kept as written, wildcards too: nothing is
expanded, and an aggregated cluster role allows what its rules held when they were written out (sources-ops 6).

A live object was created at one time and may have been changed later: a binding never changes its role, but its
subjects. Then a right began at some time in between. A manifest that no server has stored is a declared right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from lineage.model import moment, naming
from lineage.model.facts import Coverage, Entity, Fact, Grant, Json, Key
from lineage.model.moment import Moment
from lineage.model.vocabulary import Kind
from lineage.source import Origin, Problem
from lineage.sources._model_claims import items, mapping, scalar
from lineage.sources._workload_kinds import platform_of
from lineage.text import clip, dumps

GROUP = "rbac.authorization.k8s.io"
KINDS = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}
RESOURCES = {resource: kind for kind, resource in KINDS.items()}
SYSTEM = "kubernetes"
GROUPS = "kubernetes-group"
"""The namespace of groups: a user may be called like a group."""

_LIVE = ("uid", "resourceVersion", "creationTimestamp")
_SECOND = 1_000_000


class Place(NamedTuple):
    """Where an object lies: its cluster, its namespace (empty for the whole cluster), kind and name."""

    cluster: str
    namespace: str
    kind: str
    name: str

    @property
    def called(self) -> str:
        """How the object is called in rights: `ClusterRole/edit`, `RoleBinding/dev/devs`."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def system(self) -> str:
        """The cluster as the place a right holds in."""
        return f"kubernetes://{self.cluster}"

    @property
    def key(self) -> Key:
        """The key of the object as a principal."""
        return Key(Kind.ACTOR, self.system, self.called)


def is_right(group: str, resource: str) -> bool:
    """Tell whether a resource of the API is a role or a binding."""
    return group == GROUP and resource in RESOURCES


def is_right_kind(group: str, kind: str) -> bool:
    """Tell whether a kind of objects is a role or a binding."""
    return group == GROUP and kind in KINDS


def read_object(
    body: Mapping[str, Any], origin: Origin, row: str, *, listed: bool
) -> Iterator[Fact | Problem]:
    """Say what a role or binding of an export allows, and since when; `listed` = it stood in a list."""
    metadata = mapping(body.get("metadata"))
    name = scalar(metadata.get("name"))
    if not name:
        yield Problem("missing-field", "the object has no name", "metadata.name", row=row)
        return
    place = place_of(body, origin.label("cluster") or origin.folder, origin.label("namespace") or "default")
    if not any(metadata.get(field) for field in _LIVE):
        yield from stated(place, body, detail={"declared": True}, row=row)
        return
    problems: list[Problem] = []
    created, changed, observed = _times(metadata, origin, problems.append)
    yield from (problem if problem.row else _at_row(problem, row) for problem in problems)
    known = [time for time in (observed, changed, created) if time is not None]
    since = created
    if created is not None and changed is not None and changed.hi > created.hi:
        since = Moment(created.lo, changed.hi, created.text, created.assumed)
    if not known:
        reason = "nothing on the object says when this was so; import it with the label observed_at"
        yield Problem("missing-field", reason, "metadata.creationTimestamp", row=row, fatal=False)
        yield from stated(place, body, row=row)
        return
    at = known[0]
    if observed is None and at.lo % _SECOND == 0:
        # Times in objects are cut to whole seconds; the call that brought the state about came before its end.
        at = Moment(at.lo + _SECOND - 1, at.hi + _SECOND - 1, at.text, at.assumed)
    listing = f"kubernetes-rbac:{place.cluster}/{place.namespace or '*'}/{KINDS[place.kind]}"
    yield from stated(place, body, since=since, at=at, listing=listing, row=row)
    yield Coverage(listing, "access", at, at, complete=listed and observed is not None)


def place_of(body: Mapping[str, Any], cluster: str, namespace: str = "", name: str = "") -> Place:
    """Return where an object lies; `namespace` and `name` where it does not say so itself."""
    metadata = mapping(body.get("metadata"))
    kind = scalar(body.get("kind"))
    inside = "" if kind.startswith("Cluster") else scalar(metadata.get("namespace")) or namespace
    return Place(cluster, inside, kind, scalar(metadata.get("name")) or name)


def stated(
    place: Place,
    body: Mapping[str, Any],
    *,
    since: Moment | None = None,
    at: Moment | None = None,
    listing: str = "",
    by: Key | None = None,
    detail: Mapping[str, Json] | None = None,
    row: str = "",
) -> Iterator[Fact | Problem]:
    """Yield the rights that a role or binding states."""
    said = {**(detail or {}), **({"listing": listing} if listing else {})}
    if place.kind.endswith("Binding"):
        yield from _binding(place, body, since, at, by, said, row)
    else:
        yield from _role(place, body, since, at, by, said, listing)


def subjects_of(body: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """Yield the principals a binding names, with the kind of each."""
    binding = scalar(mapping(body.get("metadata")).get("namespace"))
    for entry in map(mapping, items(body.get("subjects"))):
        kind, name = scalar(entry.get("kind")), scalar(entry.get("name"))
        if not name:
            continue
        if kind == "ServiceAccount":
            namespace = scalar(entry.get("namespace")) or binding or "default"
            yield Key(Kind.ACTOR, SYSTEM, f"system:serviceaccount:{namespace}:{name}"), "service-account"
        elif kind == "Group":
            yield Key(Kind.ACTOR, GROUPS, name), "group"
        elif kind == "User":
            yield Key(Kind.ACTOR, SYSTEM, name), "user"


def role_of(place: Place, body: Mapping[str, Any]) -> Place:
    """Return the role that a binding refers to."""
    reference = mapping(body.get("roleRef"))
    kind = scalar(reference.get("kind"))
    namespace = place.namespace if kind == "Role" else ""
    return Place(place.cluster, namespace, kind or "ClusterRole", scalar(reference.get("name")))


def _binding(
    place: Place,
    body: Mapping[str, Any],
    since: Moment | None,
    at: Moment | None,
    by: Key | None,
    detail: Mapping[str, Json],
    row: str,
) -> Iterator[Fact | Problem]:
    role = role_of(place, body)
    if not role.name:
        yield Problem("missing-field", "the binding names no role", "roleRef.name", row=row, fatal=False)
        return
    for key, kind in subjects_of(body):
        if kind != "user":
            yield Entity(key, {"kind": kind}, at)
        yield Grant(
            key,
            role.called,
            where=place.namespace or "*",
            place=place.system,
            since=since,
            at=at,
            by=by,
            via=place.called,
            detail={**detail, "subject": kind},
        )
    named = sum(1 for _ in subjects_of(body))
    if named < len(items(body.get("subjects"))):
        reason = "a subject has no name, or is no user, group or service account"
        yield Problem("unknown-subject", reason, "subjects", clip(body.get("subjects")), row=row, fatal=False)
    if not named:
        # The binding is a statement all the same: from now on nobody has the role by it.
        yield Entity(place.key, {"kind": "binding", "role": role.called, "subjects": []}, at)


def _role(
    place: Place,
    body: Mapping[str, Any],
    since: Moment | None,
    at: Moment | None,
    by: Key | None,
    detail: Mapping[str, Json],
    listing: str,
) -> Iterator[Fact | Problem]:
    selectors = items(mapping(body.get("aggregationRule")).get("clusterRoleSelectors"))
    attributes: dict[str, Json] = {"kind": "role"}
    if selectors:
        attributes["aggregated"] = [dumps(selector).decode() for selector in selectors]
    if detail.get("declared"):
        attributes["declared"] = True
    yield Entity(
        place.key,
        attributes,
        at,
        listing if at is not None else "",
        created=since if since and since.exact else None,
    )
    for rule in map(mapping, items(body.get("rules"))):
        permissions = tuple(permissions_of(rule))
        names = [scalar(name) for name in items(rule.get("resourceNames")) if scalar(name)]
        if not permissions:
            continue
        more: dict[str, Json] = dict(detail)
        if names:
            more["resource_names"] = list(names)
        if selectors:
            more["aggregated"] = True
        yield Grant(
            place.key,
            place.called,
            permissions,
            where=place.namespace or "*",
            place=place.system,
            things=tuple(_things(place, rule, names)),
            since=since,
            at=at,
            by=by,
            via=place.called,
            detail=more,
        )


def permissions_of(rule: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a rule allows: verbs and a resource with its API group; verbs alone with a path of the server.

    >>> list(permissions_of({"verbs": ["get", "update"], "apiGroups": ["apps", ""], "resources": ["deployments"]}))
    ['get,update deployments.apps', 'get,update deployments']
    """
    verbs = ",".join(filter(None, map(scalar, items(rule.get("verbs")))))
    if not verbs:
        return
    for group in map(scalar, items(rule.get("apiGroups")) or [""]):
        for resource in filter(None, map(scalar, items(rule.get("resources")))):
            yield f"{verbs} {resource}.{group}" if group else f"{verbs} {resource}"
    for path in filter(None, map(scalar, items(rule.get("nonResourceURLs")))):
        yield f"{verbs} {path}"


def _things(place: Place, rule: Mapping[str, Any], names: Iterable[str]) -> Iterator[Key]:
    """Yield the targets that a rule of one namespace names."""
    if not place.namespace:
        return
    for name in names:
        for resource in map(scalar, items(rule.get("resources"))):
            if any(platform_of(scalar(group), resource) for group in items(rule.get("apiGroups"))):
                yield naming.target(place.cluster, place.namespace, resource, name)


def _times(
    metadata: Mapping[str, Any], origin: Origin, report: Callable[[Problem], None]
) -> tuple[Moment | None, Moment | None, Moment | None]:
    """Return when an object was created, last changed, and seen (the label `observed_at`)."""
    zone = origin.label("timezone")

    def read(text: Any, field: str) -> Moment | None:
        try:
            return moment.parse(scalar(text), zone) if text else None
        except (ValueError, OverflowError) as error:
            report(Problem("bad-time", f"this is no time: {error}", field, clip(text), fatal=False))
        return None

    created = read(metadata.get("creationTimestamp"), "metadata.creationTimestamp")
    managed = [
        read(mapping(entry).get("time"), f"metadata.managedFields[{number}].time")
        for number, entry in enumerate(items(metadata.get("managedFields")))
    ]
    changed = max((time for time in managed if time is not None), key=lambda time: time.hi, default=None)
    return created, changed, read(origin.label("observed_at"), "observed_at")


def _at_row(problem: Problem, row: str) -> Problem:
    return Problem(problem.code, problem.reason, problem.field, problem.value, row=row, fatal=problem.fatal)
