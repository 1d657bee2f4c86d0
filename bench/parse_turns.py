"""What a good file waits for while hostile ones are parsed, with and without turns for the quick.

    python bench/parse_turns.py [--attackers 6] [--seconds 20]

One pool of parse workers as the serving step has it. Attackers send the slowest files of
`hostile_files` without a pause, a good client a small picture five times a second; measured from
the wish for a place to the condition with its facts. First with one sort of place, then with a
place given up after `QUICK` seconds.
"""

import argparse
import io
import math
import threading
import time
from contextlib import suppress

import hostile_files
import numpy as np
from PIL import Image

from any2caption.conditions.isolation.parse import QUICK, Asked, Pool
from any2caption.conditions.types import Part
from any2caption.errors import A2CError

SLOW = (
    "GIF of 5,000 frames",
    "masks of 8 million runs",
    "8,000 points × 256 tracks",
    "8 masks of 36 megapixels",
    "motion text of 2 million lines",
)
REQUEST_SECONDS = 20.0


def ask(pool: Pool, one: hostile_files.Hostile) -> None:
    """Have a condition read as the serving step has it read."""
    with pool.lease(time.monotonic() + REQUEST_SECONDS) as lease:
        lease.read(Asked(one.kind, one.parts, options=one.options, payload=False))


def picture() -> hostile_files.Hostile:
    """A small PNG."""
    stream = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(stream, "PNG")
    return hostile_files.Hostile("image", (Part("a.png", stream.getvalue()),), {})


def measure(quick: float, attackers: int, seconds: float) -> tuple[list[float], int]:
    """Return the good client's seconds an answer, and how many it did not get."""
    files = [hostile_files.hostile(name) for name in SLOW]
    good, until = picture(), time.monotonic() + seconds
    pool = Pool(quick=quick)
    ask(pool, good)

    def attack(start: int) -> None:
        at = start
        while time.monotonic() < until:
            with suppress(A2CError):
                ask(pool, files[at % len(files)])
            at += 1

    threads = [threading.Thread(target=attack, args=(at,)) for at in range(attackers)]
    for thread in threads:
        thread.start()
    times, failed = [], 0
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            ask(pool, good)
            times.append(time.monotonic() - began)
        except A2CError:
            failed += 1
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    pool.close()
    return times, failed


def main() -> None:
    """Measure twice and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attackers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20.0)
    chosen = parser.parse_args()
    for name, quick in (("one sort of place", math.inf), (f"quick for {QUICK:g} s", QUICK)):
        times, failed = measure(quick, chosen.attackers, chosen.seconds)
        p50, p99, most = np.percentile(times or [math.nan], (50, 99, 100))
        print(
            f"{name:18} answers {len(times):3}  p50 {p50:6.3f} s  p99 {p99:6.3f} s  "
            f"slowest {most:6.3f} s  failed {failed}",
            flush=True,
        )


if __name__ == "__main__":
    main()
