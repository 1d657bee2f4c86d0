"""The model registry: MLflow holds bundles and reports, the ledger in the catalogue decides."""
