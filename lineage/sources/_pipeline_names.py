"""How is a run of a Kubeflow pipeline called, by the pipeline service, by ML Metadata and by the model registry?"""

from __future__ import annotations

from lineage.model.facts import Key
from lineage.model.vocabulary import Kind


def pipeline_run(run_id: str) -> Key:
    """Return the key of a pipeline run. Its id is a UUID, so it needs no name of the installation to be one thing.

    >>> pipeline_run("5a1f").namespace
    'kubeflow-pipelines'
    """
    return Key(Kind.RUN, "kubeflow-pipelines", run_id)
