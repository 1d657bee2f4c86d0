import pytest


@pytest.fixture(scope="session", autouse=True)
def signing_keys(tmp_path_factory):
    """Keys of the tests' own: nothing is written into the user's configuration folder."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        patch.setenv("A2C_SIGNING_KEY", str(folder / "signing.pem"))
        patch.setenv("A2C_VERIFY_KEY", str(folder / "verify.pem"))
        yield folder
