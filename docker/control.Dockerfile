# Airflow, MLflow and the platform's control tasks. Build from the repository's root; see docker/README.md.
# The base by digest is the builder's choice: docker/README.md says how to look it up.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1
# dumb-init reaps what Airflow's tasks leave behind; Airflow's chart gives arguments and no command.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends dumb-init \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/any2caption
COPY requirements/build.lock requirements/control.lock requirements/install.sh requirements/guard.py requirements/
RUN requirements/install.sh python control
COPY pyproject.toml README.md LICENSE ./
COPY platform platform
COPY model_repository model_repository
COPY dags dags
# Editable, because a release is built from the model_repository/ beside the package.
RUN pip install --no-deps --no-build-isolation --editable .

# Airflow's chart runs its pods as 50000:0; the same user in all images can share one volume.
RUN useradd --uid 50000 --gid 0 --create-home a2c \
    && install --directory --owner=50000 --group=0 --mode=775 /var/lib/any2caption /opt/airflow
ENV A2C_HOME=/var/lib/any2caption \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    DO_NOT_TRACK=1 \
    GIT_PYTHON_REFRESH=quiet \
    GX_ANALYTICS_ENABLED=false \
    MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false \
    MLFLOW_DISABLE_TELEMETRY=true
WORKDIR /home/a2c
USER 50000:0
ENTRYPOINT ["dumb-init", "--"]
CMD ["a2c", "--help"]
