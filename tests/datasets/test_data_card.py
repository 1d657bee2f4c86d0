"""A data card says what a snapshot holds, what was left out of it, and what it lacks."""

import json
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from typer.testing import CliRunner

from any2caption.cli.data import data
from any2caption.datasets import data_card
from any2caption.datasets.catalogue import Catalogue
from any2caption.datasets.ingest import run_ingest
from any2caption.datasets.snapshots import withdraw
from any2caption.pages import cell
from any2caption.settings import Settings
from any2caption.storage import open_store

from .builders import read_manifest, write_corpus, write_manifest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A corpus of which one record is broken."""
    home = tmp_path_factory.mktemp("card")
    source = open_store((home / "data").as_uri())
    write_corpus(source)
    lines = read_manifest(source)
    write_manifest(source, [*lines[1:], {**lines[0], "licence": "see website"}])
    settings = Settings(home=home / "home")
    result = run_ingest(settings, f"{source.uri}/src", workers=1, threshold=0.5)
    store, catalogue = open_store(settings.object_store), Catalogue(settings.catalogue_url)
    yield settings, result, lambda: data_card.facts(store, catalogue, result["snapshot"]), store
    catalogue.close()


def test_it_is_written_beside_the_data_report_at_publish(made):
    _, result, facts, _ = made
    page = Path(result["data_card"])
    assert page.parent == Path(result["data_docs"]).parent
    assert {path: (page.parent / path).read_text() for path in data_card.documents(facts())} == (
        data_card.documents(facts())
    )


def test_it_counts_what_is_there_and_what_was_left_out(made):
    _, result, facts, _ = made
    known = facts()
    text = data_card.documents(known)["README.md"]
    statistics = known["statistics"]
    for kind, row in statistics["kinds"].items():
        assert f"| {cell(kind)} | {row['instances']} | {row['conditions']} |" in text
    for name, count in statistics["splits"].items():
        assert f"{name} {count}" in text
    assert f"{result['rejected']} records went to quarantine" in text
    assert result["rejected"] >= 1
    assert "licence" in text.partition("## What was left out")[2].partition("## Duplicates")[0]
    assert f"{result['expectations']} expectations, all hold" in text
    assert "**Synthetic: all of it was made by a program.**" in text


def test_a_hub_reads_its_metadata(made):
    card = DatasetCard(data_card.documents(made[2]())["README.md"]).data
    assert card.license == "cc0-1.0"
    assert card.size_categories == ["n<1K"]
    assert "synthetic" in card.tags


def test_gaps_are_found_by_counting(made):
    statistics = made[2]()["statistics"]
    found = " ".join(data_card.gaps(statistics))
    assert "normal" in found.partition("No record has a condition of these kinds:")[2]
    without = {**statistics, "questions": 0, "splits": {"train": 1}, "synthetic": 1}
    told = list(data_card.gaps(without))
    assert "No record has questions of its own: the gate asks by rules alone." in told
    assert "No record is in the split validation or test." in told
    assert any("Synthetic and real records are mixed: 1 " in one for one in told)


def test_unknown_licences_are_other_to_a_hub():
    assert data_card.hub_licence("CC-BY-4.0") == "cc-by-4.0"
    assert data_card.hub_licence("PDDL-1.0") == "pddl"
    assert data_card.hub_licence("LicenseRef-ours") == "other"


def test_a_withdrawn_snapshot_says_so_first_of_all(made, monkeypatch):
    settings, result, _, store = made
    monkeypatch.setenv("A2C_HOME", str(settings.home))
    withdraw(store, result["snapshot"], "asked to", None)
    ask = ["card", result["snapshot"][:8], "--home", str(settings.home)]
    shown = CliRunner().invoke(data, ask)
    assert "**Withdrawn:** asked to." in shown.stdout
    assert json.loads(CliRunner().invoke(data, [*ask, "--json"]).stdout)["withdrawn"]["reason"]
