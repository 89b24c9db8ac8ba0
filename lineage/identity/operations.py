"""Was a call that takes its time done, and what did it ask for?

Clouds record a long call when it is taken up and again when it has ended; some also when it is accepted in between.
All are one happening, known by the operation's id: what was asked and when stands in the first, whether it was done in
the last. A call whose end nobody recorded is told as begun and is no deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import groupby

from msgspec.structs import replace

from lineage.identity.sagemaker import Told
from lineage.model.facts import Happened, Workload
from lineage.model.vocabulary import Outcome

BEGIN = frozenset({"begin", "accept"})


def completed(rows: Iterable[Told]) -> Iterator[Told]:
    """Yield the happenings of targets, each target's together, with what was asked where only the end is told."""
    for _, group in groupby(rows, key=lambda told: told.target):
        listed = list(group)
        asked: dict[str, list[Told]] = {}
        refused = {
            told.hid
            for told in listed
            if told.fact.detail.get("stage") and told.fact.outcome is not Outcome.DONE
        }
        for told in listed:
            if told.fact.type in BEGIN:
                asked.setdefault(told.hid, []).append(told)
        for told in listed:
            if told.fact.type in BEGIN:
                continue
            begun = asked.get(told.hid, [])
            fact = told.fact
            if told.hid in refused and fact.outcome is Outcome.DONE:
                # Two ends of one operation that contradict each other prove no deployment.
                fact = replace(fact, outcome=Outcome.FAILED)
            records = tuple(dict.fromkeys(record for one in (told, *begun) for record in one.records))
            yield told._replace(fact=reduce(_whole, [*(one.fact for one in begun), fact]), records=records)


def _whole(first: Happened, last: Happened) -> Happened:
    """Return the happening that begins with `first` and ends with `last`."""
    return replace(
        last,
        at=first.at,
        actor=last.actor or first.actor,
        actor_kind=last.actor_kind if last.actor else first.actor_kind,
        chain=tuple(dict.fromkeys((*first.chain, *last.chain))),
        workload=_richer(first, last),
        change={**first.change, **last.change},
        detail={**first.detail, **last.detail},
    )


def _richer(first: Happened, last: Happened) -> Workload | None:
    """Return what runs as the end tells it where that names the model, with what only the request says."""
    if first.workload is None or last.workload is None:
        return last.workload or first.workload
    return last.workload if any(part.claims for part in last.workload.components) else first.workload
