import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
sys.path.insert(0, str(Path(__file__).parent))

from gate_writers import held_out

from any2caption.captions.lexicon import SLOTS
from any2caption.datasets.records import SourceRecord
from any2caption.datasets.synthetic.corpus import make_scenes

FORMATS = {"image": "png", "depth": "png", "pose": "openpose", "camera": "re10k", "video": "mp4"}


@pytest.fixture(scope="session")
def records():
    """Records of a small synthetic corpus, all marked as test records."""
    lines, _ = make_scenes(seed=5, first=0, last=60)
    sources = [SourceRecord.model_validate_json(line) for line in lines]
    return [held_out(one, [FORMATS[c.kind] for c in one.conditions]) for one in sources]


@pytest.fixture
def slots():
    return SLOTS
