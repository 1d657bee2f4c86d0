"""Settings carry no password to where it would be logged."""

import pytest

from any2caption.errors import ConfigError
from any2caption.settings import Settings

URLS = ("s3_endpoint_url", "mlflow_url", "airflow_url", "triton_url")


@pytest.mark.parametrize("name", URLS)
def test_a_password_in_an_address_is_refused_without_showing_it(name, tmp_path):
    with pytest.raises(ConfigError, match=f"A2C_{name.upper()}: a user name in a URL") as caught:
        Settings(home=tmp_path, **{name: "http://someone:geheim7@127.0.0.1:5000"})
    assert "geheim7" not in str(caught.value)


@pytest.mark.parametrize("name", URLS)
def test_an_address_without_a_password_is_taken(name, tmp_path):
    url = "http://127.0.0.1:5000/path?next=a@b"
    assert getattr(Settings(home=tmp_path, **{name: url}), name) == url


def test_settings_do_not_print_the_catalogues_password(tmp_path):
    settings = Settings(home=tmp_path, catalogue_url="postgresql://a2c:geheim7@host/catalogue")
    assert "geheim7" not in f"{settings!r} {settings}"
