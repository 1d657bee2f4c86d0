"""DreamBooth's folder: photos of a subject in a folder each, `prompts_and_classes.txt` beside them.

That file has a class for every subject and two lists of prompt templates, for objects and for live
subjects: `'a {0} {1} in the snow'.format(unique_token, class_token)`. Each subject that has photos
gives a record for each template of its list, with its class for `{1}` and nothing for `{0}`, whose
token stands for the photo that a record has as its condition. The first photo stands for a subject:
several would be several identities.
"""

import re
from collections.abc import Iterator
from posixpath import basename, dirname, join

from any2caption.conditions.io.files import natural_key
from any2caption.datasets.ingest.shapes.folder import Folder

FILE = "prompts_and_classes.txt"
_LIVE = ("cat", "dog")
"""Classes that take the list for live subjects; the file does not say which."""
_TEMPLATE = re.compile(r"""(['"])(.*?\{1\}.*?)\1\.format\(""")
_CLASS = re.compile(r"([\w-]+),([\w -]+)")
_LIVE_HEADING = re.compile(r"^Live Subject Prompts", re.MULTILINE)


def subject_records(folder: Folder) -> list[tuple[str, str, str]]:
    """Return (id, prompt, path of the photo) of each subject and template."""
    return [
        record
        for path in folder.paths
        if basename(path) == FILE
        for record in _records(folder, path)
    ]


def _records(folder: Folder, path: str) -> Iterator[tuple[str, str, str]]:
    text = folder.text(path)
    objects, *live = (
        [found[1] for found in _TEMPLATE.findall(part)] for part in _LIVE_HEADING.split(text, 1)
    )
    classes = [found.groups() for line in text.split("\n") if (found := _CLASS.fullmatch(line))]
    for subject, kind in classes:
        inside = folder.by_folder.get(join(dirname(path), subject), [])
        photos = [
            file for file in sorted(inside, key=natural_key) if folder.kind_of(file) == "image"
        ]
        templates = live[0] if live and kind in _LIVE else objects
        for number, template in enumerate(templates, 1) if photos else ():
            prompt = " ".join(template.replace("{0}", "").replace("{1}", kind).split())
            yield join(dirname(path), subject, f"{number:02}"), prompt, photos[0]
