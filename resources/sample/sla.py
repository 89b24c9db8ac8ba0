"""What has the company promised about its services and its data, in which documents?

OpenSLO has no field for the time an objective holds, so the company writes it into annotations, as its own rule. The
list in `sla.csv` was kept beside the documents by another team, and contradicts one of them.
"""

from __future__ import annotations

from resources.sample.story import CONTRACT, DOCUMENTS, PROMISES, Promise

_SERVICE = """\
apiVersion: openslo/v1
kind: Service
metadata:
  name: {subject}
  displayName: {subject}
  labels:
    team: ml-platform
spec:
  description: Serves the registered model {subject} in both clusters.
"""

_INDICATOR = """\
apiVersion: openslo/v1
kind: SLI
metadata:
  name: {subject}-answers
  displayName: Answered requests of {subject}
spec:
  description: Share of requests that were answered without a server error.
  ratioMetric:
    counter: true
    good:
      metricSource:
        type: Prometheus
        spec:
          query: sum(revision_app_request_count{{service_name="{subject}-predictor",response_code_class!="5xx"}})
    total:
      metricSource:
        type: Prometheus
        spec:
          query: sum(revision_app_request_count{{service_name="{subject}-predictor"}})
"""

_OBJECTIVE = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: {name}
  displayName: Availability of {subject}
  labels:
    team: ml-platform
  annotations:
    sla.skarn.example/version: "{version}"
    sla.skarn.example/effective-from: "{since}"
{until}spec:
  description: {subject} answers {percent} % of its requests.
  service: {subject}
  indicatorRef: {subject}-answers
  timeWindow:
    - duration: 28d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: answered
      target: {target}
"""

_ALPHA = """\
apiVersion: openslo.com/v2alpha
kind: SLO
metadata:
  name: {name}
  labels:
    team: ml-platform
  annotations:
    sla.skarn.example/version: "{version}"
    sla.skarn.example/effective-from: "{since}"
{until}spec:
  description: {subject} answers {percent} % of its requests in a month.
  service: {subject}
  sli:
    metadata:
      name: {subject}-answers
    spec:
      ratioMetric:
        counter: true
        good:
          dataSourceRef: prometheus
          spec:
            query: sum(revision_app_request_count{{service_name="{subject}-predictor",response_code_class!="5xx"}})
        total:
          dataSourceRef: prometheus
          spec:
            query: sum(revision_app_request_count{{service_name="{subject}-predictor"}})
  timeWindow:
    - duration: 1M
      isRolling: false
      calendar:
        startTime: "2025-02-01 00:00:00"
        timeZone: Europe/Warsaw
  budgetingMethod: Timeslices
  objectives:
    - displayName: answered
      op: gte
      target: {target}
      timeSliceTarget: 0.95
      timeSliceWindow: 5m
"""

_CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: 3c1f8a52-6c0e-4e0f-9c59-1f0f2a7d9b10
name: staged scans
version: 1.2.0
status: active
domain: parcels
dataProduct: scans
tenant: Skarn Parcels
contractCreatedTs: "2025-03-01T00:00:00Z"
description:
  purpose: Every scan of a parcel, cleaned, for features and reports.
  limitations: Scans of partner depots arrive a day later.
servers:
  - server: lake
    type: s3
    location: s3://skarn-lake/staging/scans
    format: parquet
schema:
  - name: scans
    physicalName: staging/scans
    physicalType: table
    dataGranularityDescription: One row a scan.
    properties:
      - name: parcel_id
        logicalType: string
        physicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
      - name: depot_id
        logicalType: string
        physicalType: string
        required: true
        quality:
          - metric: nullValues
            mustBe: 0
            type: library
            severity: error
      - name: scanned_at
        logicalType: date
        physicalType: timestamp
        required: true
        primaryKey: true
        primaryKeyPosition: 2
slaProperties:
  - property: availability
    value: 99.5
    unit: percent
    driver: operational
  - property: latency
    value: 26
    unit: h
    element: scans.scanned_at
    driver: operational
  - property: frequency
    value: 1
    unit: d
    element: scans.scanned_at
  - property: retention
    value: 3
    unit: y
    element: scans.scanned_at
    driver: regulatory
  - property: generalAvailability
    value: "2025-03-01T00:00:00Z"
team:
  name: data
  members:
    - username: atanaka
      name: 田中愛子 (Aiko Tanaka)
      role: owner
      dateIn: "2023-10-02"
support:
  - channel: "#data-help"
    url: https://chat.skarn.example/data-help
"""


def _filled(template: str, promise: Promise) -> str:
    until = f'    sla.skarn.example/effective-to: "{promise.until}"\n' if promise.until else ""
    return template.format(
        name=promise.name,
        subject=promise.subject,
        version=promise.version,
        target=promise.target,
        percent=f"{promise.target * 100:g}",
        since=promise.since,
        until=until,
    )


def _of(document: str) -> list[Promise]:
    return [promise for promise in PROMISES if promise.document == DOCUMENTS[document][0]]


def documents() -> dict[str, list[str]]:
    """Return the YAML documents of each file."""
    first = [_filled(template, promise) for promise in _of("first") for template in (_SERVICE, _INDICATOR)]
    return {
        DOCUMENTS["first"][0]: first + [_filled(_OBJECTIVE, promise) for promise in _of("first")],
        DOCUMENTS["second"][0]: [_filled(_OBJECTIVE, promise) for promise in _of("second")],
        DOCUMENTS["alpha"][0]: [_filled(_ALPHA, promise) for promise in _of("alpha")],
        CONTRACT: [_CONTRACT],
    }


def lines() -> list[str]:
    """Return the lines of the list, its header first. Availability stands in percent there, latency in milliseconds."""
    made = ["service,metric,target,unit,valid_from,valid_to"]
    for promise in _of("csv"):
        shown, unit = (
            (promise.target * 100, "%") if promise.unit == "ratio" else (promise.target * 1000, "ms")
        )
        until = promise.until.isoformat() if promise.until else ""
        made.append(f"{promise.subject},{promise.name},{shown:g},{unit},{promise.since},{until}")
    return made


def contents() -> dict[str, bytes]:
    """Return the bytes of each file."""
    made = {name: "---\n".join(parts).encode() for name, parts in documents().items()}
    made[DOCUMENTS["csv"][0]] = ("\n".join(lines()) + "\n").encode()
    return made
