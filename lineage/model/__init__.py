"""Which words does the product speak? Frozen records and the vocabulary, from OpenLineage, W3C PROV, MLflow and OpenSLO."""
