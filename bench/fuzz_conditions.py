"""Mutate real sample files and hold every parser to its promise: read, or refused with InputError.

    python bench/fuzz_conditions.py --count 200 --seed 1 [--kind camera] [--isolated]

Mutations: truncation, flipped bits, swapped bytes, a repeated or removed piece, NaN and huge
numbers in text, a removed or renamed JSON key, and the file as it is. Prints, per kind, how many
were read, refused and crashed (anything but InputError; must be 0), with the slowest one. Exit
code 1 when something crashed. The same seed gives the same files.
"""

import argparse
import json
import random
import re
import sys
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from any2caption.conditions import registry
from any2caption.conditions.io.files import read_parts
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.isolation import parse as isolation
from any2caption.conditions.registry import KINDS
from any2caption.conditions.types import Condition, Part
from any2caption.errors import InputError

ROOT = Path(__file__).parents[1]
SAMPLES = (ROOT / "tests" / "data", ROOT / "examples")
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
WORDS = (b"NaN", b"Infinity", b"-1e308", b"1e999", b"99999999999999999999", b"-0", b"null", b'""')
SKIPPED = {".md"}
Sample = tuple[str, list[Part]]
Parse = Callable[[str, list[Part]], Condition]


def sources(folders: Iterable[Path]) -> list[Sample]:
    """Sample conditions: every file, and every folder whose files lie together, as parts."""
    found = []
    for folder in folders:
        files = [file for file in sorted(Path(folder).rglob("*")) if file.is_file()]
        files = [f for f in files if f.suffix not in SKIPPED and "LICENSES" not in f.parts]
        found += [(str(file), read_parts(file)) for file in files]
        inner = sorted({file.parent for file in files})
        for one in inner:
            if all(entry.is_file() for entry in one.iterdir()) and len(list(one.iterdir())) > 1:
                found.append((str(one), read_parts(one)))
    return found + [(f"made {name}", parts) for name, parts in made().items()]


def made() -> dict[str, list[Part]]:
    """Conditions of kinds that have no sample file here, made small."""
    vector = np.full((24, 32, 3), (0.36, 0.48, 0.8))
    photo = np.random.default_rng(1).integers(0, 255, (24, 32, 4), dtype=np.uint8)
    hole = np.zeros((24, 32), np.uint8)
    hole[4:12, 4:20] = 255
    photo[..., 3] = 255 - hole
    regions = {
        "width": 640,
        "height": 480,
        "regions": [
            {"label": "a cat", "box": [10, 20, 300, 400], "frame": 0},
            {"label": "a dog", "polygon": [[1, 1], [90, 5], [60, 80]], "frame": 3},
            {"label": "a ball", "points": [[320, 240]], "frame": 3},
        ],
    }
    colours = np.rint((vector + 1) * 127.5).astype(np.uint8)
    return {
        "normal": [Part("normal.png", encode_png(colours))],
        "holes": [Part("holes.png", encode_png(photo))],
        "mask": [
            Part("a.png", encode_png(photo[..., :3])),
            Part("mask.png", encode_png(hole)),
        ],
        "regions": [Part("regions.json", json.dumps(regions).encode())],
    }


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One mutated copy of a file's bytes."""
    way = rng.choice(WAYS)
    return way(data, rng) if data else data


def unchanged(data: bytes, _: random.Random) -> bytes:
    """The file as it is."""
    return data


def cut(data: bytes, rng: random.Random) -> bytes:
    """The file's beginning."""
    return data[: rng.randrange(len(data))]


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Some bits turned round."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 4, 32))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(raw)


def swap_bytes(data: bytes, rng: random.Random) -> bytes:
    """Some bytes that change places."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 8, 64))):
        one, two = rng.randrange(len(raw)), rng.randrange(len(raw))
        raw[one], raw[two] = raw[two], raw[one]
    return bytes(raw)


def repeat_piece(data: bytes, rng: random.Random) -> bytes:
    """A piece left out or repeated."""
    at = rng.randrange(len(data))
    end = min(len(data), at + rng.randrange(1, 200))
    return data[:at] + data[at:end] * rng.choice((0, 2, 50)) + data[end:]


def lying_header(data: bytes, rng: random.Random) -> bytes:
    """Large and zero bytes among the first 64, with the checksum of a PNG's header put right."""
    raw = bytearray(data)
    for place in range(8, min(len(raw), 64)):
        if rng.random() < 0.05:
            raw[place] = rng.choice((0, 255, 127, 128))
    if raw[1:4] == b"PNG" and len(raw) > 33:
        raw[29:33] = zlib.crc32(raw[12:29]).to_bytes(4, "big")
    return bytes(raw)


def with_number(data: bytes, rng: random.Random) -> bytes:
    """A number of a text file replaced by one that is none, or far too large."""
    spots = list(NUMBER.finditer(data[:200_000]))
    if not spots or b"\0" in data[:1000]:
        return data[::-1] if rng.random() < 0.1 else data[: len(data) // 2]
    picked = rng.sample(spots, min(len(spots), rng.choice((1, 1, 5))))
    for spot in sorted(picked, key=lambda one: -one.start()):
        data = data[: spot.start()] + rng.choice(WORDS) + data[spot.end() :]
    return data


def with_keys(data: bytes, rng: random.Random) -> bytes:
    """A JSON file with a value removed, renamed, or replaced by another type."""
    try:
        value = json.loads(data)
    except ValueError:
        return with_number(data, rng)
    node, trail = value, []
    while isinstance(node, dict | list) and node and (not trail or rng.random() < 0.75):
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        trail.append((node, key))
        node = node[key]
    if trail:
        holder, key = trail[-1]
        way = rng.randrange(3)
        if way == 0:
            del holder[key]
        elif way == 1 and isinstance(holder, dict):
            holder[f"{key}_"] = holder.pop(key)
        else:
            holder[key] = rng.choice((None, [], {}, "x", -1, 1e300, True, [[[]]], "9" * 50))
    return json.dumps(value).encode()


WAYS = (
    *(unchanged, cut, flip_bits, swap_bytes, repeat_piece, lying_header),
    *(with_number, with_keys, with_keys),
)


def run(
    count: int,
    seed: int,
    kinds: Iterable[str],
    parse: Parse,
    folders: Iterable[Path] = SAMPLES,
) -> dict[str, tuple[Counter[str], float, tuple[float, str]]]:
    """Parse `count` mutations for each kind; returns kind → counts and the slowest seconds."""
    samples = sources(folders)
    table = {}
    for kind in kinds:
        rng = random.Random(f"{seed} {kind}")  # noqa: S311 - no secret
        likely = [one for one in samples if reads(kind, one[1])] or samples
        counts, slowest = Counter(), (0.0, "")
        began = time.monotonic()
        for number in range(count):
            name, parts = rng.choice(likely if rng.random() < 0.85 else samples)
            chosen = rng.randrange(len(parts))
            mutated = [
                Part(part.name, mutate(part.data, rng)) if at == chosen else part
                for at, part in enumerate(parts)
            ]
            if len(mutated) > 2 and rng.random() < 0.1:
                mutated.pop(rng.randrange(len(mutated)))
            start = time.monotonic()
            outcome = attempt(kind, mutated, parse, f"{name} ({number})")
            counts[outcome] += 1
            slowest = max(slowest, (time.monotonic() - start, name))
        table[kind] = (counts, time.monotonic() - began, slowest)
    return table


def reads(kind: str, parts: list[Part]) -> bool:
    """Whether a kind reads the unchanged files."""
    try:
        registry.parse_condition(kind, parts)
    except InputError:
        return False
    return True


# What workers say of parsers that fail: a refusal for users, a find here.
CRASHES = ("could not be read (", "ends its decoder", "answer nonsense")


def attempt(kind: str, parts: list[Part], parse: Parse, name: str) -> str:
    """Parse once: read, refused or crashed; a crash is told with its place."""
    try:
        condition = parse(kind, parts)
    except InputError as error:
        if "\n" in str(error):
            sys.stderr.write(f"{kind}: {name}: a message of several lines: {error!r}\n")
            return "crashed"
        if any(sign in error.reason for sign in CRASHES):
            sys.stderr.write(f"{kind}: {name}: {error}\n")
            return "crashed"
        return "refused"
    except Exception:  # noqa: BLE001 - what is looked for
        sys.stderr.write(f"{kind}: {name}: {traceback.format_exc(limit=-3)}\n")
        return "crashed"
    return "read" if condition.kind == kind else "crashed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="mutations for each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=list(KINDS), action="append")
    parser.add_argument("--isolated", action="store_true", help="in worker processes")
    parser.add_argument("--samples", type=Path, action="append", help="other folders of samples")
    chosen = parser.parse_args()
    parse = isolation.parse_condition if chosen.isolated else registry.parse_condition
    table = run(
        chosen.count, chosen.seed, chosen.kind or list(KINDS), parse, chosen.samples or SAMPLES
    )
    print("| kind | files | read | refused | crashed | seconds | slowest |")
    print("|---|---|---|---|---|---|---|")
    total = Counter()
    for kind, (counts, seconds, (longest, name)) in table.items():
        total += counts
        numbers = " | ".join(str(counts[key]) for key in ("read", "refused", "crashed"))
        print(
            f"| {kind} | {counts.total()} | {numbers} | {seconds:.1f} | "
            f"{longest:.2f} s {Path(name).name} |"
        )
    print(f"{total.total()} files: {dict(total)}")
    sys.exit(1 if total["crashed"] else 0)


if __name__ == "__main__":
    main()
