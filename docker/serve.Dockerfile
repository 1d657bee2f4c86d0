# Triton from the PyPI wheel with the platform's steps. Build from the repository's root; see docker/README.md.
FROM python:3.11-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1

WORKDIR /opt/any2caption
# torch first, by its exact pin; the index decides whether it is a CPU or a CUDA build.
ARG TORCH=torch==2.13.0
ARG TORCH_INDEX=
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$TORCH"
COPY requirements/serve.lock requirements/guard.py requirements/
RUN pip install --no-deps --requirement requirements/serve.lock
# Without its dependencies: those are for a Python interface that the platform does not use.
ARG PYTRITON=nvidia-pytriton==0.7.0
RUN pip install --no-deps "$PYTRITON"
COPY pyproject.toml README.md ./
COPY platform platform
# The Python stub is linked here, because the server's user may not write into site-packages.
RUN pip install --no-deps --no-build-isolation --editable . \
    && python requirements/guard.py requirements/serve.lock "$TORCH" "$PYTRITON" \
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
