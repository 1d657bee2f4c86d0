"""A change of the champion's alias in MLflow reaches Airflow, signed; nobody else's word does."""

import base64
import hashlib
import hmac
import json
import threading
import time

import pytest
import uvicorn
from starlette.testclient import TestClient

from any2caption.errors import UnavailableError
from any2caption.orchestration.alias_webhook import application
from any2caption.registry import webhook
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.registry.webhook import refuse_unsigned
from any2caption.settings import Settings
from any2caption.stack.secrets import Secrets
from mlflow_server import mlflow_server

KEY = "a secret"


def body(**data):
    told = {"name": MODEL, "alias": "champion", "version": "2", **data}
    return json.dumps({"action": "created", "data": told}).encode()


def signed(content, *, key=KEY, delivery="1", at=None):
    """Headers as MLflow makes them, by its documentation."""
    sent = str(int(time.time() if at is None else at))
    digest = hmac.new(key.encode(), f"{delivery}.{sent}.".encode() + content, hashlib.sha256)
    signature = base64.b64encode(digest.digest()).decode()
    return {
        "X-MLflow-Signature": f"v1,{signature}",
        "X-MLflow-Timestamp": sent,
        "X-MLflow-Delivery-Id": delivery,
    }


@pytest.fixture
def events():
    return []


@pytest.fixture
def client(events):
    return TestClient(application(KEY, events.append))


def post(client, content, headers):
    return client.post("/alias", content=content, headers=headers)


def test_a_signed_change_is_one_event_however_often_it_is_delivered(client, events):
    for _ in range(2):
        assert post(client, body(), signed(body())).status_code == 200
    assert events == [{"alias": "champion", "action": "created", "version": "2", "delivery": "1"}]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(body(), key="another"),
        signed(body(version="3")),
        {**signed(body()), "X-MLflow-Delivery-Id": "2"},
        {**signed(body()), "X-MLflow-Timestamp": str(int(time.time()) + 1)},
        signed(body(), at=time.time() - 20 * webhook.OLDEST),
        signed(body(), at=time.time() + 20 * webhook.OLDEST),
    ],
)
def test_what_is_not_signed_or_too_old_is_refused(headers, client, events):
    assert post(client, body(), headers).status_code == 401
    assert not events


def test_other_models_and_aliases_are_none_of_its_business(client, events):
    for content in (body(name="another"), body(alias="candidate")):
        assert post(client, content, signed(content)).status_code == 200
    assert not events


def test_a_body_without_end_is_not_read(client, events):
    content = b"x" * 100_000
    assert post(client, content, signed(content)).status_code == 413
    assert not events


def test_an_airflow_that_is_not_ready_is_told_again():
    told = []

    def publish(extra):
        told.append(extra)
        if len(told) == 1:
            raise UnavailableError("no asset yet")

    client = TestClient(application(KEY, publish))
    assert post(client, body(), signed(body())).status_code == 503
    assert post(client, body(), signed(body())).status_code == 200
    assert len(told) == 2


def test_the_id_is_what_was_signed():
    headers = {name.lower(): value for name, value in signed(body(), delivery="an id").items()}
    assert refuse_unsigned(headers, body(), KEY, time.time()) == "an id"


@pytest.fixture
def listening(events):
    """The application on a port of its own."""
    server = uvicorn.Server(
        uvicorn.Config(application(KEY, events.append), port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/alias"
    server.should_exit = True
    thread.join()


@pytest.mark.server
def test_a_real_mlflow_tells_of_its_aliases(listening, events, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", Secrets().mlflow_webhook_key)
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    with mlflow_server(tmp_path) as url:
        settings = Settings(home=tmp_path, mlflow_url=url)
        webhook.subscribe(settings, listening, "an old secret")
        webhook.subscribe(settings, listening, KEY)  # the same webhook, with its new secret
        with mlflow_client(settings) as registry:
            assert [one.name for one in registry.list_webhooks()] == [webhook.NAME]
            registry.create_registered_model(MODEL)
            registry.create_model_version(MODEL, "s3://nowhere/model")
            registry.set_registered_model_alias(MODEL, "candidate", "1")
            registry.set_registered_model_alias(MODEL, "champion", "1")
            registry.delete_registered_model_alias(MODEL, "champion")
        until = time.monotonic() + 60
        while len(events) < 2:
            assert time.monotonic() < until, events
            time.sleep(0.2)
    told = sorted((event["action"], event["version"]) for event in events)
    assert told == [("created", "1"), ("deleted", None)]
