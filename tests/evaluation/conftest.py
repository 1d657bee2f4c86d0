import pytest

from any2caption.captions.lexicon import SLOTS
from any2caption.datasets.records import MediaObject, Record, RecordCondition, SourceRecord
from any2caption.datasets.synthetic.corpus import make_scenes

FORMATS = {"image": "png", "depth": "png", "pose": "openpose", "camera": "re10k", "video": "mp4"}


def _record(source):
    """Turn a manifest line into a test record without its media."""
    conditions = tuple(
        RecordCondition(
            kind=c.kind,
            number=1,
            role=c.role,
            format=FORMATS[c.kind],
            parts=tuple(
                MediaObject(name=path, sha256=f"{abs(hash(path)):064x}"[-64:], size=1)
                for path in c.paths
            ),
            frames=len(c.paths),
        )
        for c in source.conditions
    )
    return Record(
        id=source.id,
        source=source.source,
        licence=source.licence,
        split="test",
        prompt=source.prompt,
        conditions=conditions,
        caption=source.caption,
        qa=source.qa,
        synthetic=True,
    )


@pytest.fixture(scope="session")
def records():
    """Records of a small synthetic corpus, all marked as test records."""
    lines, _ = make_scenes(seed=5, first=0, last=60)
    return [_record(SourceRecord.model_validate_json(line)) for line in lines]


@pytest.fixture
def slots():
    return SLOTS
