"""Which output of a job was made from which of its inputs, where the job says so itself?

A job node between all inputs and all outputs claims their product. Where exact links are known (column lineage, the
lineage facet) they replace it: the job is split into one part for each output that is spoken for, and lineage runs
through the parts (sources-ops 1, domain-anchors 2.1 row 27). What an answer shows is the whole job again. An input that
no exact link mentions is still read by the job, but nothing is said to come of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

EdgeRow = tuple[Any, ...]
"""src, type, dst, valid_from, valid_to, basis, confidence, rule, job, run, uncertain, ev_first, ev_last."""


@dataclass(frozen=True, slots=True)
class Split:
    """How the edges of one job change.

    Attributes:
        outputs: the outputs that get a part of their own, in order; the caller gives each an id.
        drop: edges to remove, by (src, type, dst, valid_from).
        add: for each output, the edges of its part; the part's id stands as 0 in them.
    """

    outputs: tuple[int, ...]
    drop: tuple[tuple[int, str, int, int], ...]
    add: tuple[tuple[EdgeRow, ...], ...]


def split(
    job: int, edges: Iterable[EdgeRow], exact: Iterable[tuple[int, int, str, float, int]]
) -> Split | None:
    """Return how `job` splits, or None when its exact links say no more than the product of inputs and outputs.

    `edges` are those at the job; `exact` its own links as (output, source, basis, confidence, record).

    >>> edges = [(1, "input", 9, 0, 99, "observed", 1.0, "run-io", 9, 1, None, 0, 0),
    ...          (2, "input", 9, 0, 99, "observed", 1.0, "run-io", 9, 1, None, 0, 0),
    ...          (9, "output", 3, 0, 99, "observed", 1.0, "run-io", 9, 1, None, 0, 0)]
    >>> found = split(9, edges, [(3, 1, "column-exact", 1.0, 5)])
    >>> [edge[:3] for edge in found.add[0]]
    [(1, 'input', 0), (0, 'output', 3)]
    """
    inputs: dict[int, list[EdgeRow]] = defaultdict(list)
    outputs: dict[int, list[EdgeRow]] = defaultdict(list)
    for edge in edges:
        if edge[1] == "input" and edge[2] == job:
            inputs[edge[0]].append(edge)
        elif edge[1] == "output" and edge[0] == job:
            outputs[edge[2]].append(edge)
    said: dict[int, dict[int, tuple[str, float, int]]] = defaultdict(dict)
    for output, source, basis, confidence, record in exact:
        if source != output:
            said[output][source] = (basis, confidence, record)
    spoken_for = tuple(sorted(said))
    if not spoken_for:
        return None
    if set(outputs) <= set(spoken_for) and all(set(said[output]) == set(inputs) for output in spoken_for):
        return None
    drop: list[tuple[int, str, int, int]] = []
    add: list[tuple[EdgeRow, ...]] = []
    for output in spoken_for:
        made: list[EdgeRow] = []
        for source in sorted(said[output]):
            basis, confidence, record = said[output][source]
            known = inputs.get(source) or [
                (source, "input", job, 0, _end(outputs[output]), "", 0.0, "", job, None, None, record, record)
            ]
            made.extend(
                (
                    source,
                    "input",
                    0,
                    edge[3],
                    edge[4],
                    basis,
                    confidence,
                    "exact-link",
                    *edge[8:11],
                    record,
                    edge[12],
                )
                for edge in known
            )
        for edge in outputs[output]:
            made.append((0, "output", output, edge[3], edge[4], "observed", 1.0, "exact-link", *edge[8:]))
            drop.append((edge[0], edge[1], edge[2], edge[3]))
        add.append(tuple(made))
    if set(outputs) <= set(spoken_for):
        mentioned = {source for sources in said.values() for source in sources}
        drop.extend((edge[0], edge[1], edge[2], edge[3]) for at in mentioned for edge in inputs.get(at, ()))
    return Split(spoken_for, tuple(drop), tuple(add))


def _end(edges: list[EdgeRow]) -> int:
    return max((int(edge[4]) for edge in edges), default=253_402_300_799_999_999)
