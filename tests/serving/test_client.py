"""The client needs no torch, and tells a missing server from a bad request."""

import subprocess
import sys

import pytest
from serving_lab import free_ports

from any2caption.errors import InputError, UnavailableError
from any2caption.serving.client import CaptionClient, FileElement, encoded


def test_client_imports_no_heavy_library():
    code = (
        "import sys, any2caption.serving.client, any2caption.serving.releases.rollout;"
        "heavy = {'torch', 'transformers', 'mlflow', 'airflow'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_server_is_unavailable_not_a_traceback():
    with (
        CaptionClient(f"127.0.0.1:{free_ports(1)[0]}", timeout=2) as client,
        pytest.raises(UnavailableError, match="Triton did not answer"),
    ):
        client.caption("hello")


def test_empty_request_is_refused_before_it_is_sent():
    with CaptionClient("127.0.0.1:1") as client, pytest.raises(InputError, match="give a text"):
        client.caption("")


def test_an_unknown_choice_is_refused_before_it_is_sent():
    with CaptionClient("127.0.0.1:1") as client:
        with pytest.raises(InputError, match="writer: 'poet' is not known; choose auto, compose"):
            client.caption("a dog", writer="poet")
        with pytest.raises(InputError, match="tone: unknown option; there are writer, mode"):
            client.caption("a dog", tone="warm")


def test_choices_travel_as_inputs_of_their_own():
    inputs = encoded("a dog", {"camera": [FileElement(b"path", {"name": "p"})]}, {"mode": "off"})
    assert inputs["MODE"] == [b"off"]
    assert set(inputs) == {"TEXT", "CAMERA", "CAMERA_INFO", "MODE"}


@pytest.mark.server
def test_nothing_released_yet_is_said(server):
    with CaptionClient(server.url) as client, pytest.raises(UnavailableError, match="not served"):
        client.caption("hello")


@pytest.mark.server
def test_deadline_is_kept(server, fake):
    with CaptionClient(server.url) as client, pytest.raises(UnavailableError, match="in time"):
        client.caption("hello", timeout=0.001)
