"""Promotions and rollbacks at once: of every round's writers exactly one may win.

    python bench/promotions.py [--writers 16] [--rounds 200] [--url postgresql+psycopg2://…]

Each round all writers decide on the same line of the ledger. A quarter of them sends one and the
same promotion (one key), a quarter promotions of their own, a quarter one and the same rollback, a
quarter rollbacks of their own. Right is: one new line a round, who sent the winning request is told
of that line, all others get a conflict that names the champion (or hear that there is nobody to go
back to), and the chain of digests holds.
Without --url a fresh SQLite file is used.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from any2caption.datasets.catalogue import Catalogue
from any2caption.errors import ConflictError, NotFoundError

MODEL = "contended"


def attempt(ledger: Catalogue, writer: int, line: int, champion: int) -> tuple[str, str, int]:
    """Let one writer try; return what it did, how that ended, and the sequence of its line."""
    what = ("promote", "rollback")[writer // 2 % 2]
    key = f"{what} {line}" if writer % 2 else None
    try:
        if what == "promote":
            version = 1000 * line + (0 if key else writer)
            made = ledger.promote(MODEL, version, champion, "w", "race", key=key, sequence=line)
        else:
            made = ledger.rollback(MODEL, "w", "race", key=key, sequence=line)
    except ConflictError as error:
        return what, "conflict" if "the champion is" in str(error) else f"raw: {error}", 0
    except NotFoundError:
        return what, "nobody before", 0
    except Exception as error:  # noqa: BLE001 - what a writer must never see
        return what, f"raw: {type(error).__name__}: {error}", 0
    return what, "done", made.sequence


def contend(url: str, writers: int = 16, rounds: int = 200) -> dict[str, object]:
    """Run the rounds on a catalogue; return the counts, `wrong` among them."""
    ledgers = [Catalogue(url) for _ in range(writers)]
    ledgers[0].migrate()
    for version in (1, 2, 3):
        ledgers[0].promote(MODEL, version, version - 1 or None, "ann", "first")
    ends: Counter[str] = Counter()
    wrong, began = 0, time.monotonic()
    with ThreadPoolExecutor(writers) as pool:
        for _ in range(rounds):
            last = ledgers[0].champion(MODEL)
            if last is None:
                raise AssertionError("the ledger lost its lines")
            start = threading.Barrier(writers)

            def write(
                writer: int,
                start: threading.Barrier = start,
                line: int = last.sequence,
                champion: int = last.version,
            ) -> tuple[str, str, int]:
                start.wait()
                return attempt(ledgers[writer], writer, line, champion)

            outcomes = list(pool.map(write, range(writers)))
            made = {sequence for _, end, sequence in outcomes if end == "done"}
            wrong += made != {last.sequence + 1}
            ends.update(f"{what} {end}" for what, end, _ in outcomes)
    lines = ledgers[0].check_ledger(MODEL)
    kinds = Counter(line.kind for line in ledgers[0].ledger(MODEL)[3:])
    for one in ledgers:
        one.close()
    return {
        "writers": writers,
        "rounds": rounds,
        "wrong": wrong + abs(lines - 3 - rounds) + sum(n for e, n in ends.items() if "raw" in e),
        "lines": dict(kinds),
        "ends": dict(sorted(ends.items())),
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> int:
    """Print the counts as JSON; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'catalogue.db'}"
        with closing(sys.stdout):
            found = contend(url, options.writers, options.rounds)
            sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return int(bool(found["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
