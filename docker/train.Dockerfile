# Two images: `worker` (control with the training environment beside it, for the process back end) and `train`
# (what the Kubernetes back end runs). Build from the repository's root; see docker/README.md.
ARG CONTROL_IMAGE=any2caption/control:latest
# The base by digest is the builder's choice: docker/README.md says how to look it up.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS train

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1
# DeepSpeed and torch.compile build extensions on demand.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends dumb-init g++ \
    && rm -rf /var/lib/apt/lists/*

RUN python -m venv /opt/train
ENV PATH=/opt/train/bin:$PATH
WORKDIR /opt/any2caption
COPY requirements/build.lock requirements/torch.lock requirements/cuda.lock requirements/install.sh requirements/guard.py requirements/
COPY requirements/train.lock requirements/
# The index decides whether torch is a CPU or a CUDA build.
ARG TORCH_INDEX=
RUN requirements/install.sh python torch train
COPY pyproject.toml README.md LICENSE ./
COPY platform platform
RUN pip install --no-deps --no-build-isolation --editable .

RUN useradd --uid 50000 --gid 0 --create-home a2c \
    && install --directory --owner=50000 --group=0 --mode=775 /var/lib/any2caption
# glibc's allocator keeps large blocks instead of mapping and unmapping them for every tensor.
ENV A2C_HOME=/var/lib/any2caption \
    DO_NOT_TRACK=1 \
    GIT_PYTHON_REFRESH=quiet \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HF_HUB_OFFLINE=1 \
    MALLOC_MMAP_THRESHOLD_=1073741824 \
    MALLOC_TOP_PAD_=268435456 \
    MALLOC_TRIM_THRESHOLD_=8589934592 \
    MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false \
    MLFLOW_DISABLE_TELEMETRY=true \
    TOKENIZERS_PARALLELISM=false
WORKDIR /home/a2c
USER 50000:0
ENTRYPOINT ["dumb-init", "--"]
CMD ["python", "-m", "any2caption.training.launch.supervisor", "--help"]

FROM ${CONTROL_IMAGE} AS worker

USER root
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ wordnet-base \
    && rm -rf /var/lib/apt/lists/*
# Both stages have the same base and the same package folder, so the environment works where it is copied to.
COPY --from=train /opt/train /opt/train
ENV A2C_TRAIN_PYTHON=/opt/train/bin/python
USER 50000:0
