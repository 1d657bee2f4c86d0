"""The documentation of manifests is the one that the code makes."""

from pathlib import Path

from any2caption.datasets.manifest_page import page
from any2caption.datasets.records import SourceRecord

PAGE = Path(__file__).parents[2] / "docs" / "manifest.md"


def test_the_committed_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_field_is_explained():
    for name, field in SourceRecord.model_fields.items():
        assert field.description, name
        assert f"| `{name}` |" in page()
