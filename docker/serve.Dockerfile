# NVIDIA's Triton with the platform's steps. Build from the repository's root; see docker/README.md.
# The base by digest is the builder's choice: docker/README.md says how to look it up.
ARG BASE_IMAGE=nvcr.io/nvidia/tritonserver:26.10-py3
FROM ${BASE_IMAGE}

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_IGNORE_INSTALLED=1 \
    PYTHONUNBUFFERED=1 \
    A2C_TRITON_ROOT=/opt/tritonserver

# The container's own Python (3.12) runs the steps, since the Python backend's stub is made for it; but in an
# environment: pip cannot replace Ubuntu's packages. That borrows the container's pip and ignores whatever else is there.
RUN python3 -m venv --system-site-packages --without-pip /opt/serve
ENV PATH=/opt/serve/bin:$PATH
WORKDIR /opt/any2caption
COPY requirements/build.lock requirements/torch.lock requirements/cuda.lock requirements/install.sh requirements/guard.py requirements/
COPY requirements/serve.lock requirements/perception.lock requirements/
# The index decides whether torch is a CPU or a CUDA build.
ARG TORCH_INDEX=
RUN requirements/install.sh python torch serve perception
COPY pyproject.toml README.md LICENSE ./
COPY platform platform
RUN python -m pip install --no-deps --no-build-isolation --editable . \
    && python -c "import sys; from any2caption.serving import server; server.find_runtime(sys.executable)" \
    && python -m any2caption.perception.install

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
