"""Which words does the product speak? Frozen records and the terms of OpenLineage, W3C PROV, MLflow, OpenSLO."""
