# NVIDIA's Triton with the platform's steps. Build from the repository's root; see docker/README.md.
FROM nvcr.io/nvidia/tritonserver:26.10-py3

# The container's own Python (3.12) runs the steps: the Python backend's stub is made for it.
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_BREAK_SYSTEM_PACKAGES=1 \
    PYTHONUNBUFFERED=1 \
    A2C_TRITON_ROOT=/opt/tritonserver

WORKDIR /opt/any2caption
# torch first, by its exact pin; the index decides whether it is a CPU or a CUDA build.
ARG TORCH=torch==2.13.0
ARG TORCH_INDEX=
RUN python3 -m pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$TORCH"
COPY requirements/serve.lock requirements/guard.py requirements/
RUN python3 -m pip install --no-deps --requirement requirements/serve.lock
COPY pyproject.toml README.md ./
COPY platform platform
RUN python3 -m pip install --no-deps --no-build-isolation --editable . \
    && python3 requirements/guard.py requirements/serve.lock "$TORCH" \
    && ln --symbolic --force "$(command -v python3)" /usr/local/bin/python \
    && python3 -c "import sys; from any2caption.serving import server; server.find_runtime(sys.executable)"

RUN useradd --uid 50000 --gid 0 --create-home a2c \
    && install --directory --owner=50000 --group=0 --mode=775 /var/lib/any2caption \
    && install --directory --owner=50000 --group=0 --mode=700 /run/any2caption
ENV A2C_HOME=/var/lib/any2caption \
    DO_NOT_TRACK=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HF_HUB_OFFLINE=1
WORKDIR /home/a2c
USER 50000:0
# Clients reach the door (8001) alone. Port 8003 is Triton itself, for the door and for roll-outs: whoever reaches it and has
# A2C_TRITON_KEY can load models, which is to run code. Publish it nowhere.
EXPOSE 8001 8002 8003
ENTRYPOINT ["python", "-m", "any2caption.serving.server", \
    "--repository", "/var/lib/any2caption/triton/models", \
    "--inner", "0.0.0.0:8003", "--metrics-address", "0.0.0.0"]
