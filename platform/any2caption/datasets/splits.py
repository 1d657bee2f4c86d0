"""Which split a record belongs to: decided by its caption's content, never by its place in a file.

Records of one scene share their caption, so all of them land in the same split, and no scene that a
model is tested on was seen in training, whatever is added to the data set later.
"""

import hashlib

from any2caption.captions.schema import StructuredCaption
from any2caption.captions.text import render
from any2caption.datasets.records import Split

TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1  # the rest is test


def split_of(caption: StructuredCaption) -> Split:
    """Return the split of every record with this caption, by the SHA-256 of its printed form."""
    digest = hashlib.sha256(render(caption).encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < TRAIN_SHARE:
        return "train"
    return "validation" if position < TRAIN_SHARE + VALIDATION_SHARE else "test"
