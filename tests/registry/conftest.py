import pytest

from any2caption.settings import Settings
from any2caption.storage import signatures
from mlflow_server import mlflow_server


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def settings(tmp_path, mlflow_url):
    return Settings(home=tmp_path / "home", mlflow_url=mlflow_url)


@pytest.fixture
def make_bundle(tmp_path):
    """Write and sign a folder that stands for a bundle; other text, other digest."""

    def make(text, name="bundle"):
        folder = tmp_path / name
        (folder / "nested").mkdir(parents=True)
        (folder / "manifest.json").write_text(f'{{"weights": "{text}"}}')
        (folder / "nested" / "model.safetensors").write_bytes(text.encode() * 100)
        signatures.sign(folder)
        return folder

    return make
