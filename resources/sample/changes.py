"""What was changed at the clusters, by whom, and what was tried in vain?

Hand-written: one line a change of what serves. The Kubernetes audit logs and dumps are made from these lines, and so is
the register that `truth` expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from resources.sample.drawn import at, commit, number
from resources.sample.story import (
    AIKO,
    BOT,
    BREAK_GLASS,
    CALLUM,
    HENRIK,
    JUN,
    MBALI,
    MODELS,
    NAMESPACE,
    ONCALL,
    SEUN,
    TOMAS,
    ZOE,
    Person,
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of what serves at a target, as it really was.

    Attributes:
        action: in the words of the register: deploy, redeploy, rollback, canary, traffic, promote, delete, change.
        version: the version that was applied; None where the record does not let anybody know.
        by: the principal; `acting_as`: the identity it was impersonating.
        how: the request: create, update, merge-patch, json-patch, apply (server side), delete, metadata (a patch that
            was logged without its objects).
        link: the rule that ties the workload to the registry (the words of CONTRACT.md), and thereby what is written
            into the workload.
        weight: percent of the traffic that goes to `version` from now on; the rest stays where it was.
        ticket, triggered_by, approved_by: what the release job writes into annotations.
        resources: requests of the serving container, where this change sets them.
    """

    at: datetime
    cluster: str
    namespace: str
    name: str
    action: str
    version: int | None
    by: str
    how: str
    link: str
    weight: int = 100
    acting_as: str = ""
    ticket: str = ""
    triggered_by: Person | None = None
    approved_by: Person | None = None
    reason: str = ""
    resources: tuple[str, str] | None = None

    @property
    def target(self) -> str:
        """The target as the register names it."""
        return f"{self.cluster}/{self.namespace}/{self.name}"

    @property
    def model(self) -> str:
        """The registered model that serves, or is meant to."""
        return next(model for model in MODELS if self.name.startswith(model))

    @property
    def git_commit(self) -> str:
        """The commit of the deployment repository, for changes by the release job."""
        return commit("deployment", self.target, self.at) if self.by == BOT else ""

    @property
    def ci_run(self) -> str:
        """The id of the workflow run, for changes by the release job."""
        run = number(9_100_000_000, 18_900_000_000, "ci", self.target, self.at)
        return str(run) if self.by == BOT else ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that changed nothing: denied, failed, a dry run, or an apply of what stood there already.

    Attributes:
        outcome: denied, failed, dry-run or unchanged.
        version: the version it asked for.
    """

    at: datetime
    cluster: str
    name: str
    by: str
    verb: str
    outcome: str
    code: int
    version: int | None = None

    @property
    def target(self) -> str:
        """The target as the register names it."""
        return f"{self.cluster}/{NAMESPACE}/{self.name}"


_WHO = {
    "tomas": TOMAS,
    "mbali": MBALI,
    "henrik": HENRIK,
    "zoe": ZOE,
    "aiko": AIKO,
    "callum": CALLUM,
    "seun": SEUN,
    "jun": JUN,
}
_PRINCIPALS = {name: person.oidc for name, person in _WHO.items()} | {
    "bot": BOT,
    "oncall": ONCALL,
    "break-glass": BREAK_GLASS,
}

# Applied by the release job, which since 2026 also writes who started it and who approved.
_RELEASED = """
2025-06-12 08:31:17.220871 | prod-eu | eta-parcel    | deploy  | 3 | CHG-1175 |
2025-06-26 15:30:19.204417 | prod-us | eta-parcel    | deploy  | 3 | CHG-1183 |
2025-07-03 08:31:05.092748 | prod-eu | depot-volume  | deploy  | 2 | CHG-1191 |
2025-09-04 15:30:48.551023 | prod-us | address-match | deploy  | 3 | CHG-1247 |
2025-10-23 08:30:52.918440 | prod-eu | eta-parcel    | canary  | 4 | CHG-1302 | weight=10
2025-10-27 08:32:40.117093 | prod-eu | eta-parcel    | promote | 4 | CHG-1302 |
2025-11-06 15:31:44.905731 | prod-us | eta-parcel    | deploy  | 4 | CHG-1311 |
2026-01-22 09:30:14.773902 | prod-eu | address-match | deploy  | 4 | CHG-1390 | started=zoe, approved=tomas
2026-02-05 15:30:21.417856 | prod-us | address-match | deploy  | 4 | CHG-1404 | started=callum, approved=tomas
2026-02-19 08:30:28.640215 | prod-eu | eta-parcel    | deploy  | 5 | CHG-1420 | started=tomas, approved=zoe
2026-02-26 15:30:27.448290 | prod-us | eta-parcel    | deploy  | 5 | CHG-1428 | started=callum, approved=tomas
2026-03-12 08:30:49.377215 | prod-eu | depot-volume  | deploy  | 3 | CHG-1455 | started=tomas, approved=zoe
2026-03-19 15:30:16.940327 | prod-us | depot-volume  | deploy  | 3 | CHG-1459 | started=callum, approved=tomas
2026-05-13 09:20:41.250113 | prod-eu | eta-parcel    | deploy  | 6 | CHG-1533 | started=seun, approved=tomas
2026-06-18 08:30:33.091277 | prod-eu | eta-parcel    | deploy  | 7 | CHG-1561 | started=zoe, approved=tomas
2026-07-02 15:30:05.861349 | prod-us | eta-parcel    | deploy  | 7 | CHG-1577 | started=callum, approved=zoe
2026-07-16 09:30:37.082515 | prod-eu | address-match | deploy  | 5 | CHG-1592 | started=zoe, approved=tomas
2026-08-13 08:31:12.605734 | prod-eu | depot-volume  | deploy  | 4 | CHG-1624 | started=zoe, approved=tomas
2026-08-21 15:30:33.178400 | prod-us | address-match | deploy  | 5 | CHG-1631 | started=callum, approved=zoe
2026-09-24 08:31:02.377641 | prod-eu | eta-parcel    | deploy  | 8 | CHG-1660 | started=seun, approved=zoe
"""

# By hand, each in the way its author knew, so that no two are tied to the registry alike.
_BY_HAND = """
2024-11-14 09:12:44.107392 | prod-eu | eta-parcel     | deploy   | 1 | tomas | create | artifact-uri |
2024-12-05 10:18:36.290471 | prod-eu | address-match  | deploy   | 1 | mbali | create | image-digest |
2025-01-20 08:55:17.660392 | prod-eu | depot-volume   | deploy   | 1 | aiko | create | path-convention |
2025-02-20 09:47:03.551204 | prod-eu | eta-parcel     | deploy   | 2 | mbali | update | artifact-uri |
2025-03-04 16:02:11.672054 | prod-us | eta-parcel     | deploy   | 2 | callum | create | run-or-logged-model-id |
2025-04-02 14:20:31.884120 | prod-eu | eta-parcel     | redeploy | 2 | henrik | merge-patch | artifact-uri | cpu=4, memory=8Gi
2025-05-08 17:22:09.936118 | prod-us | address-match  | deploy   | 2 | callum | create | image-digest |
2025-07-03 19:44:58.016682 | prod-us | eta-parcel     | rollback | 2 | callum | update | run-or-logged-model-id | as=bot, reason=INC-1871
2025-07-10 18:05:51.283640 | prod-us | depot-volume   | deploy   | 2 | callum | create | template-annotation |
2025-08-28 13:40:22.118834 | prod-eu | address-match  | deploy   | 3 | aiko | update | image-tag |
2025-10-14 21:07:55.640018 | prod-eu | address-match  | redeploy | 3 | mbali | merge-patch | image-tag | cpu=3, memory=6Gi
2025-10-24 13:05:09.403118 | prod-eu | eta-parcel     | traffic  | 4 | zoe | merge-patch | model-uri | weight=60
2025-11-18 23:02:40.518836 | prod-eu | depot-volume   | change   | - | oncall | metadata | |
2025-12-02 22:14:30.204977 | prod-us | address-match  | delete   | - | callum | delete | |
2026-04-08 12:33:26.740183 | prod-eu | depot-volume   | rollback | 2 | zoe | update | path-convention | reason=Easter weeks forecast far too low
2026-05-14 01:52:06.733905 | prod-eu | eta-parcel     | rollback | 5 | oncall | json-patch | model-uri | reason=INC-2207
2026-06-03 11:25:48.350266 | prod-eu | address-match  | redeploy | 4 | tomas | update | alias |
2026-08-20 03:11:46.902284 | prod-us | address-match  | deploy   | - | break-glass | update | unresolved |
2026-10-08 20:47:13.071558 | prod-us | depot-volume   | delete   | - | seun | delete | |
2026-10-13 10:02:27.815093 | prod-eu | eta-parcel-lab | deploy   | 8 | seun | create | artifact-uri-below | namespace=sandbox
"""  # noqa: E501 - a table is read in columns

_TRIED = """
2025-06-12 08:22:40.735560 | prod-eu | eta-parcel    | zoe  | patch  | dry-run   | 200 | 3
2025-08-14 08:30:11.073302 | prod-eu | depot-volume  | bot  | patch  | unchanged | 200 | 2
2025-10-09 07:58:12.440913 | prod-eu | eta-parcel    | seun | patch  | denied    | 403 | 4
2025-11-06 15:29:51.360244 | prod-us | eta-parcel    | bot  | update | failed    | 409 | 4
2026-02-03 14:21:30.118265 | prod-eu | address-match | jun  | patch  | denied    | 403 | 3
2026-02-03 14:22:04.806371 | prod-eu | address-match | jun  | delete | denied    | 403 | -
2026-03-12 08:12:09.254871 | prod-eu | depot-volume  | zoe  | patch  | dry-run   | 200 | 3
2026-05-14 01:48:33.025117 | prod-eu | eta-parcel    | seun | patch  | denied    | 403 | 5
2026-07-16 09:27:03.915562 | prod-eu | address-match | bot  | patch  | failed    | 422 | 5
2026-08-06 15:30:40.228719 | prod-us | eta-parcel    | bot  | patch  | unchanged | 200 | 7
2026-08-20 02:57:19.663048 | prod-us | address-match | jun  | update | denied    | 403 | 3
"""


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in table.strip().splitlines()]


def _version(cell: str) -> int | None:
    return None if cell == "-" else int(cell)


def _change(cells: list[str], by: str, how: str, link: str, ticket: str, more: str) -> Change:
    said = dict(part.split("=", 1) for part in more.split(", ") if part)
    return Change(
        at(cells[0]),
        cells[1],
        said.get("namespace", NAMESPACE),
        cells[2],
        cells[3],
        _version(cells[4]),
        by,
        how,
        link,
        weight=int(said.get("weight", 100)),
        acting_as=_PRINCIPALS[said["as"]] if "as" in said else "",
        ticket=ticket,
        triggered_by=_WHO.get(said.get("started", "")),
        approved_by=_WHO.get(said.get("approved", "")),
        reason=said.get("reason", ""),
        resources=(said["cpu"], said["memory"]) if "cpu" in said else None,
    )


CHANGES = tuple(
    sorted(
        [
            *(_change(row, BOT, "apply", "model-uri", row[5], row[6]) for row in _rows(_RELEASED)),
            *(_change(row, _PRINCIPALS[row[5]], row[6], row[7], "", row[8]) for row in _rows(_BY_HAND)),
        ],
        key=lambda change: change.at,
    )
)
ATTEMPTS = tuple(
    Attempt(at(row[0]), row[1], row[2], _PRINCIPALS[row[3]], row[4], row[5], int(row[6]), _version(row[7]))
    for row in _rows(_TRIED)
)
