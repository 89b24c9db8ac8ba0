"""What is different between two times, or between what was known at two times, and who made it so?"""

from __future__ import annotations

from lineage.audit.pictures import Entry, Picture
from lineage.audit.view import View
from lineage.model.answer import Answer, Item

_ORDER = ("serving", "version", "alias", "stage", "sla", "right", "edge")
_ABSENT = Entry(())


def differences(before: Picture, after: Picture, view: View, *, limit: int | None = None) -> Answer:
    """List what was added, removed or changed from one picture to the other, what serves first.

    `view` is what the later picture was made from. A text such as `churn 1 or churn 2` stands where history has a gap
    at that time: `certain` is then false. `at`, `actor` and `person` are those of the last thing that made it as it is
    in the later picture; null where no record says so.
    """
    changed = []
    for key in sorted(before.keys() | after.keys(), key=lambda key: (_ORDER.index(key[0]), key[1])):
        old, new = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if old.text != new.text:
            changed.append((key, old, new))
    shown = changed if limit is None else changed[:limit]
    evidence = view.evidence(seq for _, old, new in shown for seq in (*old.records, *new.records))
    items: list[Item] = []
    for (what, subject), old, new in shown:
        made = new if new is not _ABSENT else old
        records = dict.fromkeys((*new.records, *(old.records if new is _ABSENT else ())))
        items.append(
            {
                "change": "added" if old.text is None else "removed" if new.text is None else "changed",
                "what": what,
                "subject": subject,
                "before": old.text,
                "after": new.text,
                "at": made.at if made is new else None,
                "actor": made.actor if made is new else None,
                "person": made.person if made is new else None,
                "event": made.event if made is new else None,
                "certain": old.certain and new.certain,
                "evidence": [evidence[seq] for seq in records if seq in evidence],
            }
        )
    return view.answer(items, len(changed))
