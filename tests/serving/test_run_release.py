"""The release stage as the DAG calls it: ids in, ids out, and the catalogue knows what happened."""

from contextlib import closing
from functools import partial

import psutil
import pytest
from serving_lab import SERVE_PYTHON, Server, fake_repository

from any2caption.captions.schema import PARTS, StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.records import Record
from any2caption.datasets.snapshots import publish
from any2caption.errors import ConfigError, GateRefused, RolledBackError
from any2caption.evaluation.reports.judged import Judged
from any2caption.serving.client import CaptionClient
from any2caption.serving.control import connect
from any2caption.serving.releases import rollout
from any2caption.serving.releases.recall import taken_back
from any2caption.serving.releases.release_folder import read_release
from any2caption.serving.releases.retention import retire
from any2caption.serving.releases.rollout import run_release
from any2caption.storage import open_store, signatures

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    home = tmp_path_factory.mktemp("stack")
    server = Server(home / "triton")
    server.start()
    settings = server.settings(home=home, serve_python=str(SERVE_PYTHON), watch_seconds=3)
    yield settings, fake_repository(home / "source")
    server.stop()


def make_bundle(settings, version, *marks):
    bundle = settings.home / "bundles" / f"v{version}"
    bundle.mkdir(parents=True)
    for mark in ("weights", *marks):
        (bundle / mark).write_text(f"{mark} {version}")
    signatures.sign(bundle)
    return bundle


def judged(settings, text):
    """A gate that judged one caption of a record without conditions: this text in every part."""
    caption = StructuredCaption(**dict.fromkeys(PARTS, text))
    one = Record(
        id="hello", source="s", licence="CC0-1.0", split="test", prompt="hello", conditions=(),
        caption=caption,
    )  # fmt: skip
    snapshot = publish(open_store(settings.object_store), [one]).id
    return Judged("smoke", snapshot, {"hello": render(caption)})


def test_release_is_built_served_and_recorded_and_again_is_the_same(stack):
    settings, source = stack
    bundle = make_bundle(settings, 1)
    said = []
    first = partial(run_release, settings, bundle, 1, source=source)
    text = partial(judged, settings, "release 1, rows 0/0/0, mixed False")
    result = first(lifecycle="l1", say=said.append, judged=text)
    again = first(lifecycle="l2")
    assert again["release"] == result["release"]
    assert again["seconds"] == {}
    assert said[1] == "it has to write 1 of 1 judged captions again; policy smoke asks for 8"
    assert said[2].startswith("1 of 1 texts are those that were judged, ")
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
    with pytest.raises(GateRefused, match="broken on purpose"):
        run_release(settings, make_bundle(settings, 2, "broken"), 2, source=source)
    catalogue = Catalogue(settings.catalogue_url)
    assert catalogue.live_deployment(settings.triton_url).release == served
    catalogue.close()
    better = run_release(settings, make_bundle(settings, 3), 3, source=source)
    assert better["former"] == served
    with CaptionClient(settings.triton_url) as client:
        assert client.caption("hello").info["release"] == better["release"] > served


def is_of_trial(process, home):
    words = " ".join(process.info["cmdline"] or [])
    return str(home) in words and "-trial-" in words


def answering(settings):
    with CaptionClient(settings.triton_url) as client:
        return client.caption("hello").info["release"]


def test_a_release_that_fails_alone_never_reaches_the_serving_triton(stack):
    settings, source = stack
    served, said = answering(settings), []
    with pytest.raises(GateRefused, match="sick on purpose"):
        run_release(settings, make_bundle(settings, 4, "sick"), 4, say=said.append, source=source)
    assert len(said) == 2
    assert "in a Triton of its own" in said[0]
    assert answering(settings) == served
    with closing(Catalogue(settings.catalogue_url)) as catalogue:
        (row,) = catalogue.releases("any2caption", 4)
        assert row.status == "failed"
        (deployment,) = catalogue.deployments(row.number)
        assert deployment.status == "failed"
        assert "sick on purpose" in deployment.message
        assert catalogue.live_deployment(settings.triton_url).release == served
    assert not [p for p in psutil.process_iter(["cmdline"]) if is_of_trial(p, settings.home)]
    left = {path.name for path in (settings.home / "triton" / "releases").iterdir()}
    assert all(name.isdigit() for name in left), "the trial leaves nothing"


def test_a_release_that_writes_what_was_not_judged_never_reaches_the_serving_triton(stack):
    settings, source = stack
    served, bundle = answering(settings), make_bundle(settings, 7)
    other = partial(judged, settings, "a dog")
    with pytest.raises(GateRefused, match=r"record hello, Dense caption: judged “a dog”, served “"):
        run_release(settings, bundle, 7, source=source, judged=other)
    assert answering(settings) == served
    with closing(Catalogue(settings.catalogue_url)) as catalogue:
        (row,) = catalogue.releases("any2caption", 7)
        (deployment,) = catalogue.deployments(row.number)
        assert (row.status, deployment.status) == ("failed", "failed")
        assert "0 of 1 texts are those that were judged" in deployment.message


def test_a_release_that_fails_after_the_switch_rolls_itself_back(stack):
    settings, source = stack
    served, said = answering(settings), []
    pointer = rollout.live_repository(settings).current()
    with pytest.raises(RolledBackError, match=r"rolled back: .*spoiled on purpose"):
        run_release(settings, make_bundle(settings, 5, "spoils"), 5, say=said.append, source=source)
    assert any("watching it" in sentence for sentence in said), "it was switched to"
    assert answering(settings) == served
    assert rollout.live_repository(settings).current() == pointer
    with closing(Catalogue(settings.catalogue_url)) as catalogue:
        (row,) = catalogue.releases("any2caption", 5)
        assert row.status == "rolled back"
        (deployment,) = catalogue.deployments(row.number)
        assert deployment.status == "rolled back"
        assert "spoiled on purpose" in deployment.message
        assert catalogue.live_deployment(settings.triton_url).release == served
    assert "spoiled on purpose" in taken_back(settings), "`a2c status` says so"
    with connect(settings) as control:
        assert not [m.name for m in control.index() if f"-r{row.number}" in m.name and m.state]


def test_a_trial_is_left_out_only_when_that_is_said(stack):
    settings, source = stack
    bundle = make_bundle(settings, 6)
    without = settings.model_copy(update={"serve_python": ""})
    with pytest.raises(ConfigError, match="A2C_TRIAL_BOOT=false"):
        run_release(without, bundle, 6, source=source)
    said = []
    off = without.model_copy(update={"trial_boot": False, "watch_seconds": 0})
    result = run_release(off, bundle, 6, say=said.append, source=source)
    assert "trial" not in result["seconds"]
    assert "A2C_TRIAL_BOOT is false" in said[0]
    assert not taken_back(settings), "the next release is the last word"


def test_releases_beyond_the_newest_few_are_retired_but_what_a_rollback_needs_stays(stack):
    settings, source = stack
    one = settings.model_copy(update={"keep_releases": 1, "trial_boot": False, "watch_seconds": 0})
    folder = settings.home / "triton" / "releases"
    with closing(Catalogue(settings.catalogue_url)) as catalogue:
        catalogue.promote("any2caption", 1, None, "ann", "first")
        catalogue.promote("any2caption", 3, 1, "ann", "better")
        run_release(one, settings.home / "bundles" / "v3", 3, source=source)
        pointer = rollout.live_repository(settings).current()
        kept = {
            pointer.release,
            read_release(pointer.former_folder).number,
            *(row.number for v in (1, 3) for row in catalogue.releases("any2caption", v)),
        }
        gone = retire(one)
        numbers = {int(path.name) for path in folder.iterdir()}
        assert numbers == kept
        assert gone["releases"]
        assert all(catalogue.release(n).status == "retired" for n in gone["releases"])
        assert all(catalogue.release(n).status == "ready" for n in kept)
    assert retire(one) == {"releases": [], "bundles": []}, "again is nothing"
    bundles = {path.name for path in (settings.home / "bundles").iterdir()}
    assert {"v1", "v3", "v6", "v7"} <= bundles
    assert gone["bundles"] == [2, 4, 5]
    assert answering(settings) == pointer.release


def test_nothing_is_retired_while_a_rollout_runs(stack):
    settings, _ = stack
    live = rollout.live_repository(settings)
    before = sorted(live.releases.iterdir())
    with live.exclusive():
        assert retire(settings.model_copy(update={"keep_releases": 1})) == {
            "releases": [],
            "bundles": [],
        }
    assert sorted(live.releases.iterdir()) == before
