"""Near-duplicate search on perceptual hashes: time, memory, what 6 bits of 64 tell apart.

    python bench/data_duplicates.py --sizes 1000 10000 100000 --pictures FOLDER --out dup.json

Hashes are random with one in ten a planted near copy (1 to 6 bits changed); every planted pair must
be found. With `--pictures`, each picture of a folder is compared with its own smaller, re-encoded
and cropped copies, and with every other picture.
"""

import argparse
import io
import json
import resource
import time
from pathlib import Path

import numpy as np

from any2caption.datasets.duplicates.fingerprints import BITS, clusters, fingerprint, near_pairs


def planted(count: int) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """Return hashes, and the pairs that are near by construction."""
    rng = np.random.default_rng(count)
    hashes = rng.integers(0, 2**64, count, np.uint64)
    pairs = set()
    for place in range(1, count, 10):
        flips = rng.choice(64, rng.integers(1, BITS + 1), replace=False)
        changed = int(hashes[place - 1])
        for bit in flips:
            changed ^= 1 << int(bit)
        hashes[place] = changed
        pairs.add((place - 1, place))
    return hashes, pairs


def copies(picture: np.ndarray) -> dict[str, np.ndarray]:
    """Return changed copies of a picture by name of the change."""
    from PIL import Image

    image = Image.fromarray(picture)
    width, height = image.size
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    margin = (width // 50, height // 50, width - width // 50, height - height // 50)
    changed = {
        "half size": image.resize((max(width // 2, 1), max(height // 2, 1))),
        "JPEG 40": Image.open(buffer).convert("RGB"),
        "2 % crop": image.crop(margin),
    }
    return {name: np.asarray(item) for name, item in changed.items()}


def separation(folder: Path) -> dict:
    """Return distances of copies and of different pictures."""
    from PIL import Image

    found: dict[str, list[int]] = {}
    hashes = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png"}:
            continue
        picture = np.asarray(Image.open(path).convert("RGB"))
        (own,) = fingerprint([picture])
        if not own:
            continue
        hashes.append(int(own, 16))
        for name, copy in copies(picture).items():
            (other,) = fingerprint([copy])
            found.setdefault(name, []).append((int(own, 16) ^ int(other or "0", 16)).bit_count())
    apart = [(a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[i + 1 :]]
    return {
        "pictures": len(hashes),
        **{
            name: {"within": sum(d <= BITS for d in distances), "most": max(distances)}
            for name, distances in found.items()
        },
        "different": {"pairs": len(apart), "within": sum(d <= BITS for d in apart)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results: dict = {}
    print(f"{'hashes':>9}{'pairs s':>9}{'planted':>9}{'found':>8}{'clusters s':>12}{'peak MB':>9}")
    for size in options.sizes:
        hashes, wanted = planted(size)
        began = time.perf_counter()
        pairs = {tuple(pair) for pair in near_pairs(hashes).tolist()}
        searched = time.perf_counter() - began
        began = time.perf_counter()
        clusters(hashes[:, None])
        grouped = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        results[size] = {"pairs_s": searched, "planted": len(wanted), "found": len(wanted & pairs),
                         "clusters_s": grouped, "peak_mb": peak}  # fmt: skip
        print(f"{size:>9}{searched:>9.2f}{len(wanted):>9}{len(wanted & pairs):>8}{grouped:>12.2f}"
              f"{peak:>9.0f}")  # fmt: skip
    if options.pictures:
        results["pictures"] = separation(options.pictures)
        print(json.dumps(results["pictures"], indent=1))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
