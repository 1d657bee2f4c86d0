"""The release stage as the DAG calls it: ids in, ids out, and the catalogue knows what happened."""

import pytest
from serving_lab import Server, fake_repository

from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import A2CError
from any2caption.serving.client import CaptionClient
from any2caption.serving.rollout import run_release
from any2caption.storage import signatures

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    home = tmp_path_factory.mktemp("stack")
    server = Server(home / "triton")
    server.start()
    yield server.settings(home=home), fake_repository(home / "source")
    server.stop()


def make_bundle(settings, version, *marks):
    bundle = settings.home / "bundles" / f"v{version}"
    bundle.mkdir(parents=True)
    for mark in ("weights", *marks):
        (bundle / mark).write_text(f"{mark} {version}")
    signatures.sign(bundle)
    return bundle


def test_release_is_built_served_and_recorded_and_again_is_the_same(stack):
    settings, source = stack
    bundle = make_bundle(settings, 1)
    said = []
    result = run_release(settings, bundle, 1, lifecycle="l1", say=said.append, source=source)
    again = run_release(settings, bundle, 1, lifecycle="l2", source=source)
    assert again["release"] == result["release"]
    assert again["seconds"] == {}
    assert said
    with CaptionClient(settings.triton_url) as client:
        assert client.caption("hello").info["release"] == result["release"]
    catalogue = Catalogue(settings.catalogue_url)
    row = catalogue.release(result["release"])
    assert (row.status, row.version, row.digest) == ("ready", 1, result["digest"])
    assert catalogue.live_deployment(settings.triton_url).release == result["release"]
    catalogue.close()


def test_failed_release_is_recorded_and_the_former_stays_live(stack):
    settings, source = stack
    served = run_release(
        settings, settings.home / "bundles" / "v1", 1, lifecycle="l3", source=source
    )["release"]
    with pytest.raises(A2CError, match="broken on purpose"):
        run_release(settings, make_bundle(settings, 2, "broken"), 2, source=source)
    catalogue = Catalogue(settings.catalogue_url)
    assert catalogue.live_deployment(settings.triton_url).release == served
    catalogue.close()
    better = run_release(settings, make_bundle(settings, 3), 3, source=source)
    assert better["former"] == served
    with CaptionClient(settings.triton_url) as client:
        assert client.caption("hello").info["release"] == better["release"] > served
