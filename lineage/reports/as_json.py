"""How does a report become JSON? The answer as it is, with its header and parameters."""

from __future__ import annotations

import json

from lineage.reports.document import Report


def render(report: Report) -> bytes:
    """Return the report as JSON: parameters, header, logic, items, and the tables that ride along."""
    body = {
        "report": report.kind,
        "title": report.title,
        "id": report.id,
        "parameters": report.parameters,
        "header": dict(report.header),
        "logic": list(report.logic),
        "items": list(report.items),
        "sections": {
            section.name: [row.item(section.columns) for row in section.rows]
            for section in report.sections
            if not section.primary
        },
    }
    return (json.dumps(body, ensure_ascii=False, indent=1, sort_keys=False) + "\n").encode()
