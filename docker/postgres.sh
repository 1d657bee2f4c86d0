#!/usr/bin/env bash
# One database each: Airflow, MLflow and the catalogue all keep an `alembic_version` of their own.
set -euo pipefail
for database in airflow mlflow catalogue; do
  createdb --username "$POSTGRES_USER" --owner "$POSTGRES_USER" "$database"
done
