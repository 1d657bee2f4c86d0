"""What each hostile file costs: CPU time and peak memory of one request's preprocessing.

    python bench/hostile.py [--only NAME] [--limit 120]

Each file of `hostile_files` is read in a process of its own: parsed, made into features and into a
prompt of the preset `tiny` (with a tokenizer trained on the prompts' own wording). The CPU time is
that of these steps; the peak is the most memory of the process meanwhile, less what it had before,
the file among it. A process that takes longer than the limit is ended.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import hostile_files


def measure(name: str) -> None:
    """Read one file and print what it took as JSON."""
    from any2caption.conditions.registry import parse_condition
    from any2caption.errors import InputError
    from any2caption.model.presets import TINY
    from any2caption.model.processing.processor import Processor, prompt_phrases
    from any2caption.model.processing.tokenization import train_tokenizer

    with suppress(ImportError):
        import av  # noqa: F401 - loaded before the clock runs
        import scipy.optimize  # noqa: F401
    tokenizer = train_tokenizer([*prompt_phrases(TINY)] * 3, 400)
    processor = Processor(TINY.with_vocab(tokenizer.get_vocab_size()), tokenizer)
    made = hostile_files.hostile(name)
    size = made.bytes
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again
    had = peak()
    began = time.process_time()
    try:
        condition = parse_condition(made.kind, list(made.parts), options=made.options)
        inputs = processor.assemble("", [processor.features(condition)])
        said = f"read: {len(inputs.input_ids)} tokens"
    except InputError as error:
        said = f"refused: {str(error)[:150]}"
    except Exception as error:  # noqa: BLE001 - what is looked for
        said = f"CRASH: {type(error).__name__}"
    seconds = time.process_time() - began
    print(json.dumps({"bytes": size, "seconds": seconds, "mb": peak() - had, "said": said}))


def peak() -> float:
    """The process's largest resident memory so far, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="part of a name")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for one file")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        measure(chosen.measure)
        return
    print("| file | bytes | CPU s | peak MB | outcome |")
    print("|---|---|---|---|---|")
    for name in hostile_files.MAKERS:
        if chosen.only and not any(one in name for one in chosen.only):
            continue
        command = [sys.executable, __file__, "--measure", name]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=chosen.limit, check=True
            )
        except subprocess.TimeoutExpired:
            print(f"| {name} | | > {chosen.limit:.0f} | | not done |", flush=True)
            continue
        except subprocess.CalledProcessError as error:
            print(f"| {name} | | | | ended with {error.returncode} |", flush=True)
            continue
        found = json.loads(done.stdout)
        print(
            f"| {name} | {found['bytes']:,} | {found['seconds']:.2f} | {found['mb']:.0f} | "
            f"{found['said']} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
