"""Time and memory of the data contract on a manifest of the paper's size.

    python bench/data_contract.py --records 337000 --out contract.json [--pandera /tmp/pandera]

Each way runs in a process of its own, on the same Parquet manifest, and reports its peak resident
memory, and beside seconds on the clock those of processors (all threads), which others on a shared
machine change less:

contract   read the manifest, derive the tables, run the yes-or-no tier (no report)
report     the same with examples for what failed, and Data Docs
gx         Great Expectations' fullest reports: the whole manifest, captions too, as data frames,
           every expectation with COMPLETE results, Data Docs
pandera    the same rules as a lazy pandera schema on the same tables; needs pandera
           (`uv pip install --target /tmp/pandera pandera`)
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HELP = (__doc__ or "").partition("\n")[0]
sys.path.insert(0, str(Path(__file__).parent))


def peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


class Clock:
    """Seconds since it was made: on the wall, and of this process's threads on processors."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self, name: str) -> dict[str, float]:
        return {
            f"{name}_s": round(time.perf_counter() - self._wall, 2),
            f"{name}_cpu_s": round(time.process_time() - self._cpu, 2),
        }


def tables(manifest: Path) -> tuple:
    from any2caption.conditions.registry import KINDS
    from any2caption.datasets.contract.validation import read_frames
    from any2caption.datasets.digest_set import Digests

    with (manifest.parent / "media.txt").open() as lines:  # as an ingest takes the store's listing
        return read_frames(manifest, Digests.of(line.strip() for line in lines), list(KINDS)), KINDS


def contract(manifest: Path, _folder: Path) -> dict:
    from any2caption.datasets.contract.expectations import Policy
    from any2caption.datasets.contract.validation import _context, contract_tier

    base = peak_mb()
    _context()  # the import of Great Expectations is paid once, before the clock
    imported = peak_mb()
    clock = Clock()
    frames, kinds = tables(manifest)
    read = clock.read("read")
    clock = Clock()
    failed = contract_tier(frames, kinds, Policy())
    return {**read, **clock.read("tier"), "failed": failed, "python_mb": base,
            "imported_mb": imported}  # fmt: skip


def report(manifest: Path, folder: Path) -> dict:
    from any2caption.datasets.contract.expectations import Policy
    from any2caption.datasets.contract.validation import _context, validate_frames

    _context()
    clock = Clock()
    frames, kinds = tables(manifest)
    read = clock.read("read")
    clock = Clock()
    outcome = validate_frames(frames, kinds, folder, Policy())
    return {**read, **clock.read("report"), "tier_s": outcome.contract_seconds,
            "failed": len(outcome.failures), "expectations": outcome.expectations}  # fmt: skip


def gx(manifest: Path, _folder: Path) -> dict:
    import pandas as pd

    from any2caption.datasets.contract.expectations import Policy
    from any2caption.datasets.contract.validation import _context, _run, suites

    frames, kinds = tables(manifest)
    _context()
    clock = Clock()
    whole = pd.read_parquet(manifest).drop(columns=["conditions", "qa", "id", "source", "licence",
                                                    "split"])  # fmt: skip
    frames.records[list(whole.columns)] = whole
    context, failed = _context(), 0
    for suite in suites(frames, kinds, Policy()):
        results = _run(context, suite.table, suite.frame, suite.expectations, "COMPLETE")
        failed += sum(not item.success for item in results)
    context.build_data_docs()
    return {**clock.read("report"), "failed": failed}


def pandera(manifest: Path, _: Path) -> dict:
    import pandera.pandas as pa

    from any2caption.datasets.contract.expectations import Policy
    from any2caption.datasets.contract.validation import suites

    frames, kinds = tables(manifest)
    clock, failed = Clock(), 0
    for suite in suites(frames, kinds, Policy()):
        columns: dict[str, list] = {}
        for item in suite.expectations:
            column = getattr(item, "column", None)
            if column is None or "Values" not in type(item).__name__:
                continue
            checks = columns.setdefault(column, [])
            if (allowed := getattr(item, "value_set", None)) is not None:
                checks.append(pa.Check.isin(allowed))
            if (least := getattr(item, "min_value", None)) is not None:
                checks.append(pa.Check.ge(least))
            if (most := getattr(item, "max_value", None)) is not None:
                checks.append(pa.Check.le(most))
        rules = {name: pa.Column(checks=checks, nullable=True) for name, checks in columns.items()}
        try:
            pa.DataFrameSchema(rules).validate(suite.frame, lazy=True)
        except pa.errors.SchemaErrors as error:
            failed += len(error.failure_cases["column"].unique())
    return {**clock.read("report"), "failed": failed}


WAYS = {"contract": contract, "report": report, "gx": gx, "pandera": pandera}


COLUMNS = ("read_s", "read_cpu_s", "tier_s", "tier_cpu_s", "report_s", "report_cpu_s", "peak_mb")


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--records", type=int, default=337_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--manifest", type=Path, help="folder to keep the manifest in")
    parser.add_argument("--pandera", help="folder that pandera was installed into")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        if options.pandera:
            sys.path.append(options.pandera)
        with tempfile.TemporaryDirectory() as folder:
            found = WAYS[options.way](options.manifest, Path(folder))
        print(json.dumps({**found, "peak_mb": peak_mb()}))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.manifest or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / f"manifest-{options.records}.parquet"
        from data_records import media_of, write_manifest

        if not manifest.exists():
            write_manifest(manifest, options.records)
        (folder / "media.txt").write_text("\n".join(media_of(manifest)))
        results = {"records": options.records, "manifest_mb": manifest.stat().st_size >> 20}
        print("way".ljust(10) + "".join(name.rjust(14) for name in (*COLUMNS, "failed")))
        for way in WAYS:
            results[way] = measure(way, manifest, options.pandera)
            numbers = results[way]
            cells = [f"{numbers[key]:.2f}" if key in numbers else "-" for key in COLUMNS]
            cells.append(str(numbers.get("failed", numbers.get("error", ""))))
            print(way.ljust(10) + "".join(cell.rjust(14) for cell in cells), flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


def measure(way: str, manifest: Path, pandera_folder: str | None) -> dict:
    command = [sys.executable, __file__, "--way", way, "--manifest", str(manifest)]
    if pandera_folder:
        command += ["--pandera", pandera_folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:200]}
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
