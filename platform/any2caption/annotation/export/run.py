"""An export: clips (or links), captions in a generator's dialect, what the trainer is given.

<out>/clips/         the clips, with what the trainer reads beside them
<out>/dataset.toml   or training.json: what the trainer is given
<out>/records.jsonl  each clip's record, source and licence, and what was cut from its caption
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import av

from any2caption.annotation.export.clips import Found, clips_of
from any2caption.annotation.export.trainers import CLIPS, TRAINERS, Captioned, Trainer
from any2caption.captions.compiler import compile_for
from any2caption.captions.generators import generator_named
from any2caption.conditions.io.sniff import sniff
from any2caption.datasets.records import Split
from any2caption.errors import ConfigError, InputError, NotFoundError
from any2caption.settings import Settings
from any2caption.storage import digest_of
from any2caption.storage.atomic import fresh_folder
from any2caption.storage.folder import FolderStore

Length = Literal["short", "medium", "long"]
LENGTHS: tuple[Length, ...] = get_args(Length)
TOKENS: dict[Length, int | None] = {"short": 64, "medium": 160, "long": None}
"""Most tokens of a caption; the dialect's own budget counts too."""
RECORDS = "records.jsonl"
_SUFFIXES = {"MP4": ".mp4", "WebM": ".webm", "GIF": ".gif", "Matroska": ".mkv", "AVI": ".avi"}
_HEAD = 4096
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def run_export(  # noqa: PLR0913 - what a person may choose
    settings: Settings,
    name: str,
    out: Path,
    *,
    trainer: str,
    dialect: str = "plain",
    length: Length = "long",
    split: Split | None = None,
    link: bool = False,
) -> dict[str, Any]:
    """Write the clips of `name` (`clips.clips_of`) for a trainer; a former export is replaced.

    Returns `{"out", "trainer", "clips", "left_out", "shortened", "use"}`: `left_out` counts records
    by reason, `shortened` captions that lost something to the dialect's budget or the length.

    Raises:
        ConfigError: an unknown trainer, dialect or length; links to a store that is no folder;
            `out` holds something else.
        InputError: no record has a clip that the trainer takes; the message says why.
        And what `clips_of` raises.
    """
    chosen, out = _trainer(trainer), out.absolute()
    if length not in LENGTHS:
        raise ConfigError(f"unknown length {length!r}; known: {', '.join(LENGTHS)}")
    if generator_named(dialect).form == "json" and length != "long":
        raise ConfigError(f"dialect {dialect} is one JSON object and has no length {length!r}")
    if out.exists() and any(out.iterdir()) and not (out / RECORDS).is_file():
        raise ConfigError(f"{out}: holds something that is no export; choose another folder")
    left: Counter[str] = Counter()
    with fresh_folder(out) as folder:
        (folder / CLIPS).mkdir()
        done = list(_placed(clips_of(settings, name, split), folder, chosen, left, link=link))
        if not done:
            reasons = "; ".join(f"{count} × {why}" for why, count in left.most_common(3))
            raise InputError(f"no clip for {trainer}: {reasons or 'there is no record'}", file=name)
        compiled = [
            compile_for(dialect, found.caption, budget=TOKENS[length])
            for found, _ in done
            if found.caption is not None
        ]
        clips = [
            Captioned(file, text.text, *_measured(folder / CLIPS / file))
            for (_, file), text in zip(done, compiled, strict=True)
        ]
        for path, content in chosen.files(clips, out).items():
            (folder / path).write_text(content, encoding="utf-8")
        rows = [
            {
                "file": f"{CLIPS}/{file}",
                "record": found.record,
                "source": found.source,
                "licence": found.licence,
                "synthetic": found.synthetic,
                "dropped": [f"{one.part}: {one.text}" for one in text.dropped],
            }
            for (found, file), text in zip(done, compiled, strict=True)
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / RECORDS).write_text(lines, encoding="utf-8")
    return {
        "out": str(out),
        "trainer": trainer,
        "clips": len(clips),
        "left_out": dict(left.most_common()),
        "shortened": sum(bool(text.dropped) for text in compiled),
        "use": chosen.use.format(out=out),
    }


def _trainer(name: str) -> Trainer:
    if name not in TRAINERS:
        raise ConfigError(f"unknown trainer {name!r}; known: {', '.join(TRAINERS)}")
    return TRAINERS[name]


def _placed(
    found: Iterator[Found], folder: Path, trainer: Trainer, left: Counter[str], *, link: bool
) -> Iterator[tuple[Found, str]]:
    """Yield the records whose clip lies in the folder now, with its file; count the others."""
    names: set[str] = set()
    for one in found:
        problem, suffix = one.problem, ""
        if one.store is not None:
            problem, suffix = _looked_at(one, trainer)
        if problem:
            left[problem] += 1
            continue
        stem = _UNFIT.sub("_", one.record).strip("_") or "clip"
        if stem in names:
            stem += f"-{digest_of(one.record.encode())[:8]}"
        names.add(stem)
        target = folder / CLIPS / f"{stem}{suffix}"
        if link:
            _link(one, target)
        elif one.store is not None:
            one.store.download(one.key, target)
        try:
            _measured(target)
        except (OSError, ValueError, IndexError, av.FFmpegError):
            target.unlink()
            left["its clip can't be read"] += 1
            continue
        yield one, target.name


def _looked_at(one: Found, trainer: Trainer) -> tuple[str, str]:
    """Why a clip is not taken, and the ending that its content asks for."""
    if one.store is None:
        return one.problem, ""
    try:
        kind = sniff(one.store.get_range(one.key, 0, _HEAD))
    except NotFoundError:
        return "its clip is missing", ""
    suffix = _SUFFIXES.get(kind, "")
    return ("" if suffix in trainer.suffixes else f"{trainer.name} takes no {kind}"), suffix


def _link(one: Found, target: Path) -> None:
    if not isinstance(one.store, FolderStore):
        raise ConfigError("--link needs clips in a folder; these are in an object store")
    target.symlink_to(one.store.root / one.key)


def _measured(clip: Path) -> tuple[int, int, int]:
    """Return width, height and frames as the header states them; frames 0: it does not."""
    with av.open(str(clip)) as container:
        track = container.streams.video[0]
        frames = track.frames
        if not frames and container.duration and track.average_rate:
            frames = int(container.duration / av.time_base * float(track.average_rate))
        return track.codec_context.width, track.codec_context.height, frames
