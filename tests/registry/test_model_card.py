"""A model card states what is on record, says what is not, and is signed with its release."""

import json
import stat
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from safetensors.numpy import save_file
from typer.testing import CliRunner

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.cli.model import model
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import publish
from any2caption.errors import ConfigError, IntegrityError
from any2caption.evaluation.gates import Check, Verdict
from any2caption.evaluation.reports.report import SCHEMA
from any2caption.evaluation.scores import Outcome
from any2caption.registry import model_card, models
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.serving.releases import release_folder
from any2caption.settings import Settings
from any2caption.storage import open_store, signatures
from any2caption.storage.digest import file_digest, folder_digest

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))
from serving_lab import fake_repository

BAR = "a | <b>source</b> *of* `ours`"


@pytest.fixture
def home(tmp_path):
    return Settings(home=tmp_path / "home", model_licence="Apache-2.0")


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    save_file({"w": np.zeros((6, 7), np.float32)}, folder / "language.safetensors")
    content = {
        "manifest.json": {},
        "config.json": {"text": {"hidden": 192, "layers": 4, "tie_embeddings": True}},
        "scope.json": {"kinds": ["camera"], "words": {"dog": 9, "street": 12}},
        "meta.json": {
            "preset": "tiny",
            "recipe": "tiny",
            "steps": 1500,
            "seconds": 12.5,
            "world_size": 2,
            "starts": 1,
            "loss": 0.5,
            "validation_loss": 0.25,
            "hardware": {"processor": "A CPU", "cores": 2, "memory_gb": 23, "gpus": []},
            "code": {"version": "0.1.0", "revision": "c0ffee"},
        },
    }
    for name, document in content.items():
        (folder / name).write_text(json.dumps(document))
    signatures.sign(folder)
    return folder


def outcome(place, slot, *, correct):
    return Outcome(f"r{place}", 0, "mix", "camera", slot, "only_condition", correct)


@pytest.fixture
def known(home, bundle, tmp_path):
    """Version 1 of this bundle passed its gate; of four records three are CC0; colour is weak."""
    caption = StructuredCaption(**dict.fromkeys(PARTS, "a red ball"))
    kept = {"split": "test", "prompt": "a ball", "conditions": (), "caption": caption}
    licences = ["CC0-1.0", "CC0-1.0", "CC0-1.0", "CC-BY-4.0"]
    records = [
        Record(id=f"r{n}", source=BAR, licence=one, synthetic=True, **kept)
        for n, one in enumerate(licences)
    ]
    snapshot = publish(open_store(home.object_store), records)
    outcomes = [outcome(n, "movement", correct=True) for n in range(90)]
    outcomes += [outcome(100 + n, "colour", correct=n < 12) for n in range(30)]
    check = Check("camera", 0.97, 0.93, True, "camera: 0.970 (97 of 100; 0.92 to 0.99)")
    report = tmp_path / "report.json"
    content = {
        "schema": SCHEMA,
        "records": 120,
        "synthetic": 120,
        "champion": None,
        "code": "d" * 64,
        "verdict": asdict(Verdict("tiny", True, True, (check,))),
        "slices": {
            "all": {"structure": {}, "wholes": {"omits": {"hits": 1, "n": 2, "value": 0.5}}}
        },
        "outcomes": [asdict(one) for one in outcomes],
        "not_measured": [{"metric": "VBench", "reason": "needs weights"}],
    }
    report.write_text(json.dumps(content))
    with closing(Catalogue(home.catalogue_url)) as ledger:
        ledger.migrate()
        ledger.record_snapshot(snapshot.id, source="file:///d", statistics=snapshot.statistics)
        ledger.record_training_run("run", snapshot_id=snapshot.id, preset="tiny", recipe="tiny")
        ledger.record_model_version(MODEL, 1, digest=folder_digest(bundle), run_key="run")
        ledger.record_verdict(
            "run",
            policy="tiny",
            passed=True,
            reasons=["all 1 checks hold"],
            version=1,
            report=str(report.with_suffix(".html")),
            report_digest=file_digest(report),
            for_release=True,
        )
    return model_card.facts(home, bundle, 1, 3)


def test_figures_stand_with_their_intervals_and_weak_places_are_named(known):
    assert known["missing"] == {}
    text = model_card.documents(known)["README.md"]
    everything = known["gate"]["report"]["figures"][0]
    assert everything["value"] == pytest.approx(102 / 120)
    assert f"| all | anywhere | 0.850 | {everything['low']:.3f} to {everything['high']:.3f}" in text
    assert [(one["slot"], one["n"]) for one in known["gate"]["report"]["weak"]] == [("colour", 30)]
    assert "| mix | colour | 0.400 |" in text
    assert "0.970 (97 of 100; 0.92 to 0.99)" in text
    assert "Not measured: VBench: needs weights." in text


def test_the_card_says_what_it_learned_from_on_what_and_by_which_code(known):
    text = model_card.documents(known)["README.md"]
    assert "**Trained on synthetic data only.**" in text
    assert "| CC0-1.0 | 3 |" in text
    assert "| CC-BY-4.0 | 1 |" in text
    assert "no GPU; 2 cores of A CPU, 23 GB" in text
    assert "revision `c0ffee`" in text
    assert "| parameters | language 42 |" in text
    assert "| preset | tiny, from scratch |" in text
    assert "hidden 192, layers 4" in text
    assert "kinds of conditions: camera." in text
    assert "commonest: street, dog." in text


def test_a_hub_reads_its_metadata(known):
    card = ModelCard(model_card.documents(known)["README.md"])
    assert card.data.license == "apache-2.0"
    assert card.data.pipeline_tag == "video-text-to-text"
    assert "trained-on-synthetic-data" in card.data.tags
    found = {one.metric_name: one for one in card.data.eval_results}
    assert found["answers in all"].metric_value == pytest.approx(0.85)
    assert found["answers in all"].dataset_revision == known["data"]["snapshot"]
    unstated = ModelCard(model_card.documents({**known, "licence": ""})["README.md"]).data
    assert (unstated.license, unstated.license_name) == ("other", "not-stated")


def test_text_of_others_is_shown_as_it_is_and_the_page_asks_nobody(known):
    page = model_card.documents(known)["model_card.html"]
    assert "a | &lt;b&gt;source&lt;/b&gt; *of* `ours`" in page
    assert "<b>source" not in page
    assert "src=" not in page
    assert "<table>" in page


def test_what_a_bundle_alone_does_not_tell_is_said(home, bundle):
    known = model_card.facts(home, bundle)
    assert set(known["missing"]) == {"gate", "data"}
    text = model_card.documents(known)["README.md"]
    assert "Not known: a bundle alone has no verdict; give a version." in text
    assert "Not known: the bundle does not say what it was trained on." in text
    assert "model-index" not in text


def test_a_version_of_that_number_that_is_another_bundle_lends_it_nothing(home, bundle, known):
    (bundle / "more").write_text("other")
    signatures.sign(bundle)
    other = model_card.facts(home, bundle, 1)
    assert "knows version 1 as another bundle" in other["missing"]["gate"]
    assert other["training"] is None


def test_a_report_that_was_changed_lends_no_figures(home, bundle, known, tmp_path):
    (tmp_path / "report.json").write_text("{}")
    text = model_card.documents(model_card.facts(home, bundle, 1))["README.md"]
    assert "**Passed** under policy tiny" in text
    assert "No figures: report.json is not the report that was judged." in text


def test_a_release_holds_its_card_signed_and_is_the_same_without(
    home, bundle, known, tmp_path, monkeypatch
):
    source, texts = fake_repository(tmp_path / "source"), model_card.documents(known)
    assert set(texts) == release_folder.DOCUMENTS
    release = release_folder.build(
        bundle, tmp_path / "out", 3, model_version="1", source=source, documents=texts
    )
    bare = release_folder.build(bundle, tmp_path / "bare", 3, model_version="1", source=source)
    assert bare.digest == release.digest
    assert not (bare.folder / "README.md").exists()
    again = release_folder.build(bundle, tmp_path / "out", 3, model_version="1", source=source)
    assert again == release_folder.verify(release.folder) == release
    monkeypatch.setenv("A2C_HOME", str(home.home))
    out = tmp_path / "card"
    command = ["card", str(release.folder), "--out", str(out), "--home", str(home.home)]
    done = CliRunner().invoke(model, command)
    assert done.exit_code == 0, done.output
    assert {path.name: path.read_text() for path in out.iterdir()} == texts
    card = release.folder / "README.md"
    card.chmod(card.stat().st_mode | stat.S_IWUSR)
    card.write_text("It is perfect.")
    with pytest.raises(IntegrityError, match=r"README\.md: changed since it was signed"):
        release_folder.verify(release.folder)
    with pytest.raises(ConfigError, match="no document of a release"):
        release_folder.build(bundle, tmp_path / "out", 4, source=source, documents={"x.py": ""})


@pytest.mark.server
def test_mlflow_shows_the_card_with_the_version_and_its_run(settings, bundle, known):
    found = models.register(settings, bundle)
    (settings.runs / "run" / "train").mkdir(parents=True)
    (settings.runs / "run" / "train" / "mlflow.json").write_text(json.dumps({"run": found.run_id}))
    known = {**known, "version": found.version}
    known["training"]["lifecycle"] = "life-7"
    known["gate"]["reasons"] = [f"reason {number} " + "is long " * 20 for number in range(20)]
    model_card.publish(settings, known)
    with mlflow_client(settings) as client:
        version = client.get_model_version(MODEL, str(found.version))
        links, _, card = version.description.partition("\n\n")
        assert card.startswith(f"# Any2Caption, version {found.version}, release 3")
        assert "reason 19" not in card
        assert card.endswith("The whole card is among the artifacts.")
        place = f"runs/{found.run_id}"
        assert f"{place}/artifacts/evaluation/tiny/report.html)" in links
        assert f"{place})" in links
        assert links.endswith("Life cycle `life-7`")
        run = client.get_run(version.run_id)
        assert run.data.tags["mlflow.note.content"] == version.description
        names = {one.path for one in client.list_artifacts(version.run_id, "card")}
        assert names == {f"card/{name}" for name in model_card.documents(known)}
