"""Settings carry no password to where it would be logged."""

import pytest

from any2caption.errors import ConfigError
from any2caption.settings import Annotate, Judge, Settings
from any2caption.storage.open import open_store

URLS = ("object_store", "s3_endpoint_url", "mlflow_url", "airflow_url", "triton_url")
WITH_LOGIN = [
    "http://someone:geheim7@127.0.0.1:5000",
    "someone:geheim7@127.0.0.1:8001",
    "https://geheim7@host",
    "s3://key:geheim7/with/slashes@bucket/prefix",
]


@pytest.mark.parametrize("url", WITH_LOGIN)
@pytest.mark.parametrize("name", URLS)
def test_a_password_in_an_address_is_refused_without_showing_it(name, url, tmp_path):
    with pytest.raises(ConfigError, match=f"A2C_{name.upper()}: a user name in a URL") as caught:
        Settings(home=tmp_path, **{name: url})
    assert "geheim7" not in str(caught.value)


@pytest.mark.parametrize("url", WITH_LOGIN)
def test_an_endpoint_or_a_source_with_a_password_is_refused_too(url):
    for what, take in (
        ("A2C_ANNOTATE_BASE_URL", lambda: Annotate(base_url=url)),
        ("A2C_JUDGE_BASE_URL", lambda: Judge(base_url=url)),
        ("object store", lambda: open_store(url)),
    ):
        with pytest.raises(ConfigError, match=f"{what}: a user name in a URL") as caught:
            take()
        assert "geheim7" not in str(caught.value)


@pytest.mark.parametrize("uri", ["s3://bucket/mail@example", "file:///home/me%40work/data"])
def test_a_store_may_have_an_at_sign_in_its_path(uri, tmp_path):
    assert Settings(home=tmp_path, object_store=uri).object_store == uri
    assert open_store(uri).uri == uri


@pytest.mark.parametrize("name", URLS)
def test_an_address_without_a_password_is_taken(name, tmp_path):
    url = "http://127.0.0.1:5000/path?next=a@b"
    assert getattr(Settings(home=tmp_path, **{name: url}), name) == url


def test_settings_do_not_print_the_catalogues_password(tmp_path):
    settings = Settings(home=tmp_path, catalogue_url="postgresql://a2c:geheim7@host/catalogue")
    assert "geheim7" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"base_url": "localhost:8000", "model": "m"}, "A2C_JUDGE_BASE_URL: expected http://"),
        ({"base_url": "http://localhost/v1"}, "A2C_JUDGE_MODEL is not: name the model"),
    ],
)
def test_half_an_endpoint_is_refused_by_name(given, told):
    with pytest.raises(ConfigError, match=told):
        Judge(**given)
