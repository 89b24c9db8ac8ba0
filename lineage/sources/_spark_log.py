"""What became of the application and of each of its queries, by the lines of a Spark event log?

A log is one file or a folder of rolled files; a query is told of by several lines, none of which names the
application. So one record is put together for each query and one for the application, with the line where it begins.
Lines about stages, tasks and executors make no record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.source import Problem, Record
from lineage.sources._spark_plan import cached, is_write, pieces
from lineage.sources._withheld import clean
from lineage.text import MalformedError, clip, dumps, loads

_EVENT = re.compile(rb'\{\s*"Event"\s*:\s*"([\w.$]+)"')
_SQL = "org.apache.spark.sql.execution.ui.SparkListenerSQL"
_WANTED = frozenset(
    {
        "SparkListenerLogStart",
        "SparkListenerEnvironmentUpdate",
        "SparkListenerApplicationStart",
        "SparkListenerApplicationEnd",
        "SparkListenerJobStart",
        "SparkListenerJobEnd",
        f"{_SQL}ExecutionStart",
        f"{_SQL}AdaptiveExecutionUpdate",
        f"{_SQL}ExecutionEnd",
    }
)
_SETTINGS = re.compile(
    r"spark\.(?:app\.(?:name|id)|master|submit\.deployMode|openlineage\.(?:namespace|appName|parent\w+)"
    r"|extraListeners|hadoop\.hive\.metastore\.uris|sql\.catalog\.\w+(?:\.(?:type|warehouse))?"
    r"|sql\.warehouse\.dir|kubernetes\.namespace|yarn\.queue)"
)
"""The settings that are kept: names of things and places, none that can hold a secret."""

MAX_PLACES = 2_000
"""Parts of the plans of one query that a record keeps."""

_Execution = dict[str, Any]


class Log:
    """What the lines of one log say, gathered in the order of the file."""

    def __init__(self, fallback: str) -> None:
        self._fallback = fallback
        self._app: dict[str, Any] = {}
        self._settings: dict[str, str] = {}
        self._version = ""
        self._first = (0, 0, "")
        self._open: dict[int, _Execution] = {}
        self._done: list[_Execution] = []
        self._jobs: dict[Any, int] = {}
        self._failed_jobs: set[int] = set()
        self._last_ok: dict[int, bool] = {}
        self.seen = False

    def take(self, line: Record, place: str) -> Iterator[Problem]:
        """Take one line of the file `place` (empty for a log of one file); yield what is wrong with it."""
        found = _EVENT.match(line.raw)
        event = found[1].decode("ascii") if found else ""
        if found and event not in _WANTED:
            return
        try:
            said = loads(line.raw)
        except MalformedError as error:
            yield Problem(
                error.code,
                error.reason,
                value=repr(line.raw[:80]),
                offset=line.offset,
                line=line.line,
                row=place,
            )
            return
        if not isinstance(said, Mapping) or not isinstance(said.get("Event"), str):
            reason = "a line of an event log is an object with its Event"
            yield Problem("not-an-event", reason, "Event", repr(line.raw[:80]), line.offset, line.line, place)
            return
        event = said["Event"]
        self.seen = True
        if event == "SparkListenerLogStart":
            self._version = clip(said.get("Spark Version") or "", 40)
        elif event == "SparkListenerEnvironmentUpdate":
            self._take_settings(said.get("Spark Properties"))
        elif event.startswith("SparkListenerApplication"):
            self._take_application(event, said, (line.line, line.offset, place))
        elif event.startswith("SparkListenerJob"):
            self._take_job(said, ended=event.endswith("End"))
        elif event.startswith(_SQL) and event in _WANTED:
            yield from self._take_query(event.removeprefix(_SQL), said, (line.line, line.offset, place))

    def _take_settings(self, said: Any) -> None:
        for name, value in said.items() if isinstance(said, Mapping) else ():
            if isinstance(value, str) and _SETTINGS.fullmatch(name):
                self._settings[name] = value

    def _take_application(self, event: str, said: Mapping[str, Any], place: tuple[int, int, str]) -> None:
        if event.endswith("Start"):
            names = {"App ID": "id", "App Name": "name", "User": "user", "App Attempt ID": "attempt"}
            self._app |= {
                short: str(said[name]) for name, short in names.items() if said.get(name) is not None
            }
            self._app["started"] = said.get("Timestamp")
            self._first = place
        elif event.endswith("End"):
            self._app["ended"] = said.get("Timestamp")
            for name in ("ExitCode", "Exit Code"):
                if isinstance(said.get(name), int):
                    self._app["exit_code"] = said[name]

    def _take_job(self, said: Mapping[str, Any], *, ended: bool) -> None:
        """Note of which query a job is, and whether the last job of a query failed."""
        number = said.get("Job ID")
        if not isinstance(number, int):
            return
        if not ended:
            properties = said.get("Properties")
            named = properties.get("spark.sql.execution.id") if isinstance(properties, Mapping) else None
            if isinstance(named, str) and named.isdigit() and len(named) < 18:
                self._jobs[number] = int(named)
            return
        result = said.get("Job Result")
        failed = isinstance(result, Mapping) and result.get("Result") == "JobFailed"
        query = self._jobs.pop(number, None)
        if query is not None:
            self._last_ok[query] = not failed
        elif failed:
            self._failed_jobs.add(number)

    def _take_query(
        self, event: str, said: Mapping[str, Any], place: tuple[int, int, str]
    ) -> Iterator[Problem]:
        number = said.get("executionId")
        if not isinstance(number, int) or isinstance(number, bool):
            yield Problem(
                "missing-field",
                "a query has a number",
                "executionId",
                clip(number),
                place[1],
                place[0],
                place[2],
            )
            return
        if event == "ExecutionStart":
            plan = said.get("sparkPlanInfo")
            name = plan.get("nodeName") if isinstance(plan, Mapping) else ""
            query: _Execution = {
                "id": number,
                "root": said.get("rootExecutionId"),
                "command": clip(name, 200) if isinstance(name, str) else "",
                "description": clip(clean(str(said.get("description") or "")), 500),
                "started": said.get("time"),
                "pieces": {},
                "place": place,
            }
            self._open[number] = query
            self._take_plan(query, said)
        elif number not in self._open:
            # The start stands in a file that was rolled away or is not in the input.
            return
        elif event == "AdaptiveExecutionUpdate":
            self._take_plan(self._open[number], said)
        else:
            query = self._open.pop(number)
            query["ended"] = said.get("time")
            if isinstance(said.get("errorMessage"), str):
                query["error"] = clip(clean(said["errorMessage"]), 2_000)
            elif self._last_ok.get(number) is False:
                query["error"] = "its last job failed"
            self._last_ok.pop(number, None)
            self._done.append(query)

    def _take_plan(self, query: _Execution, said: Mapping[str, Any]) -> None:
        """Add what a plan reads and writes; what an earlier form of the plan named was read as well."""
        kept = query["pieces"]
        for piece in (*pieces(said.get("sparkPlanInfo")), *cached(said.get("physicalPlanDescription"))):
            if len(kept) < MAX_PLACES:
                kept.setdefault((piece["node"], piece["text"]), piece)

    def records(self) -> Iterator[Record | Problem]:
        """Yield the record of the application, with what was read by queries that write nothing, and of each other."""
        name = self._app.get("id") or self._settings.get("spark.app.id") or self._fallback
        about = {"settings": self._settings, "version": self._version, **self._app, "id": name}
        reading: dict[tuple[str, str], dict[str, Any]] = {}
        failed = 0
        for query in [*self._done, *self._open.values()]:
            failed += bool(query.get("error"))
            found = list(query.pop("pieces").values())
            line, offset, file = query.pop("place")
            if any(is_write(piece["node"]) for piece in found):
                body = {"kind": "query", "app": about, "query": query, "plan": found}
                yield Record(dumps(body), offset, line, f"{file}#query/{query['id']}".removeprefix("#"))
            else:
                reading |= {(piece["node"], piece["text"]): piece for piece in found}
        line, offset, file = self._first
        whole: dict[str, Any] = {
            "kind": "application",
            "app": about,
            "plan": list(reading.values())[:MAX_PLACES],
            "queries": len(self._done) + len(self._open),
            "failed_queries": failed,
            "failed_jobs": len(self._failed_jobs),
        }
        yield Record(dumps(whole), offset, line, f"{file}#application".removeprefix("#"))
