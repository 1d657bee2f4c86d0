import time

import pytest

from any2caption.errors import IntegrityError, NotFoundError, UnavailableError
from any2caption.evaluation.gates import Check, Verdict
from any2caption.registry import models
from any2caption.registry.client import mlflow_client
from any2caption.settings import Settings
from any2caption.storage import signatures
from any2caption.storage.digest import SIGNATURE, folder_digest
from any2caption.storage.signatures import file_digests

PASS = Verdict("tiny", True, True, (Check("camera", 0.97, 0.93, True, "camera: 0.97"),))
FAIL = Verdict("tiny", True, False, (Check("camera", 0.5, 0.93, False, "camera: 0.50 too low"),))


@pytest.mark.server
def test_a_registered_bundle_comes_back_byte_for_byte(settings, make_bundle, tmp_path):
    bundle = make_bundle("round trip")
    found = models.register(
        settings, bundle, snapshot="s1", run_key="r1", preset="tiny", recipe="smoke"
    )
    fetched = models.fetch_bundle(
        settings, found.version, tmp_path / "fetched", digest=found.digest
    )
    assert folder_digest(fetched) == folder_digest(bundle) == found.digest
    assert found.tags["a2c.snapshot"] == "s1"
    assert found.tags["a2c.run_key"] == "r1"
    assert found.tags["a2c.preset"] == "tiny"
    assert found.tags["a2c.recipe"] == "smoke"
    assert models.CANDIDATE in found.aliases


@pytest.mark.server
def test_registering_a_bundle_again_returns_the_same_version(settings, make_bundle):
    bundle = make_bundle("again")
    first = models.register(settings, bundle)
    other = models.register(settings, make_bundle("another", name="other"))
    again = models.register(settings, bundle)
    assert again.version == first.version
    assert again.run_id == first.run_id
    assert other.version != first.version


@pytest.mark.server
def test_a_crash_after_the_upload_does_not_upload_twice(settings, make_bundle, monkeypatch):
    from mlflow import MlflowClient

    bundle = make_bundle("crash")

    def crash(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", crash)
        with pytest.raises(KeyboardInterrupt):
            models.register(settings, bundle)
    found = models.register(settings, bundle)
    with mlflow_client(settings) as client:
        experiment = client.get_experiment_by_name("any2caption").experiment_id
        runs = client.search_runs([experiment], f"tags.`a2c.bundle_digest` = '{found.digest}'")
    assert [run.info.run_id for run in runs] == [found.run_id]


@pytest.mark.server
def test_a_pass_makes_a_challenger_and_a_refusal_takes_the_alias_back(
    settings, make_bundle, tmp_path
):
    (tmp_path / "report").mkdir()
    for name in ("report.json", "report.html"):
        (tmp_path / "report" / name).write_text("report")
    version = models.register(settings, make_bundle("verdict")).version
    passed = models.record_verdict(settings, version, PASS, tmp_path / "report")
    assert passed.verdict == "passed"
    assert passed.for_release
    assert models.by_alias(settings, "challenger").version == version
    with mlflow_client(settings) as client:
        names = {f.path for f in client.list_artifacts(passed.run_id, "evaluation/tiny")}
    assert names == {"evaluation/tiny/report.json", "evaluation/tiny/report.html"}

    refused = models.record_verdict(settings, version, FAIL)
    assert refused.verdict == "refused"
    assert refused.reasons == "camera: 0.50 too low"
    assert models.by_alias(settings, "challenger") is None


@pytest.mark.server
def test_a_bundle_changed_in_the_store_is_never_handed_out(settings, make_bundle, tmp_path):
    found = models.register(settings, make_bundle("tampered"))
    extra = tmp_path / "extra.json"
    extra.write_text("{}")
    with mlflow_client(settings) as client:
        client.log_artifact(found.run_id, str(extra), "bundle")
    wrong = rf"version {found.version} in MLflow: .*extra\.json: added since it was signed"
    with pytest.raises(IntegrityError, match=wrong):
        models.fetch_bundle(settings, found.version, tmp_path / "fetched", digest=found.digest)
    assert not (tmp_path / "fetched").exists()


@pytest.mark.server
def test_a_bundle_from_before_signatures_is_signed_by_hand_and_registered_again(
    settings, make_bundle, tmp_path, monkeypatch
):
    bundle = make_bundle("old")
    digest = folder_digest(bundle)
    with monkeypatch.context() as patch:  # as it was registered then
        patch.setattr(models.signatures, "verify", lambda folder, **_: file_digests(folder))
        (bundle / SIGNATURE).unlink()
        version = models.register(settings, bundle).version
    with pytest.raises(IntegrityError, match=r"not signed; sign that of its training run"):
        models.fetch_bundle(settings, version, tmp_path / "fetched", digest=digest)
    signatures.sign(bundle)
    assert models.register(settings, bundle).version == version
    fetched = models.fetch_bundle(settings, version, tmp_path / "fetched", digest=digest)
    assert signatures.verify(fetched) == file_digests(bundle)


@pytest.mark.server
def test_a_version_that_does_not_exist_is_not_found(settings, make_bundle):
    models.register(settings, make_bundle("exists"))
    with pytest.raises(NotFoundError):
        models.get(settings, 9999)


def test_an_empty_folder_is_no_bundle(tmp_path):
    with pytest.raises(NotFoundError, match="no model bundle"):
        models.register(Settings(home=tmp_path), tmp_path / "missing")


def test_mlflow_down_is_reported_at_once_as_retryable(tmp_path, make_bundle):
    settings = Settings(home=tmp_path / "home", mlflow_url="http://127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9") as caught:
        models.register(settings, make_bundle("down"))
    assert caught.value.retryable
    assert time.monotonic() - started < 15
