# Triton from the PyPI wheel with the platform's steps. Build from the repository's root; see docker/README.md.
# The base by digest is the builder's choice: docker/README.md says how to look it up.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1

WORKDIR /opt/any2caption
COPY requirements/build.lock requirements/torch.lock requirements/cuda.lock requirements/install.sh requirements/guard.py requirements/
COPY requirements/serve.lock requirements/pytriton.lock requirements/
# The index decides whether torch is a CPU or a CUDA build.
ARG TORCH_INDEX=
# Triton's wheel comes without its dependencies: those are for a Python interface that the platform does not use.
RUN requirements/install.sh python torch serve pytriton
COPY pyproject.toml README.md LICENSE ./
COPY platform platform
# The Python stub is linked here, because the server's user may not write into site-packages.
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -c "import sys; from any2caption.serving import server; server.link_stub(server.find_runtime(sys.executable))"

RUN useradd --uid 50000 --gid 0 --create-home a2c \
    && install --directory --owner=50000 --group=0 --mode=775 /var/lib/any2caption
ENV A2C_HOME=/var/lib/any2caption \
    DO_NOT_TRACK=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HF_HUB_OFFLINE=1
WORKDIR /home/a2c
USER 50000:0
EXPOSE 8000 8001 8002
# A container's loopback address cannot be published, so the server listens on all of the container's addresses.
# Whoever reaches port 8000 or 8001 can also load and unload models: publish them to trusted networks only.
ENTRYPOINT ["python", "-m", "any2caption.serving.server", \
    "--repository", "/var/lib/any2caption/triton/models", "--address", "0.0.0.0"]
