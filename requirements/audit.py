"""Ask for known vulnerabilities of everything in the locks: `python audit.py [LOCK…]`.

`pip-audit` asks the package index. A vulnerability fails, unless `accepted.toml` has it with a
reason and a date that has not passed. What the index did not answer is said, and fails nothing: not
every index knows vulnerabilities.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# The locks of the images are subsets of dev.lock (a test holds them to it).
LOCKS = ("build", "torch", "cuda", "pytriton", "dev", "smol", "metrics", "serve", "perception")


def ask(lock: Path) -> tuple[list[dict[str, Any]], str]:
    """Return `pip-audit`'s findings (one a package) and, if there are none, why."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip"]
    options = ["--no-deps", "--format", "json", "--progress-spinner", "off", "--desc", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    try:
        return list(json.loads(done.stdout)["dependencies"]), ""
    except (ValueError, KeyError):
        return [], (done.stderr.strip().splitlines() or ["no answer"])[-1]


def accepted(text: str, today: date) -> dict[str, str]:
    """Return {vulnerability: reason} of the entries whose date has not passed."""
    entries = tomllib.loads(text).get("accepted", [])
    return {entry["id"]: entry["reason"] for entry in entries if entry["until"] >= today}


def judge(findings: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> tuple[list[str], int]:
    """Return a line for each vulnerability that is not accepted, and how many were not audited."""
    lines, silent = [], 0
    for package in findings:
        silent += "skip_reason" in package
        for found in package.get("vulns", []):
            if not {found["id"], *found.get("aliases", [])} & known.keys():
                fixed = ", ".join(found["fix_versions"]) or "no version"
                lines.append(
                    f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"
                )
    return lines, silent


def main(arguments: list[str]) -> int:
    """Audit the locks; 1 if one has a vulnerability that nobody accepted."""
    known = accepted((HERE / "accepted.toml").read_text(), date.today())  # noqa: DTZ011 - a person's date
    bad = False
    for lock in [Path(name) for name in arguments] or [HERE / f"{name}.lock" for name in LOCKS]:
        findings, why = ask(lock)
        lines, silent = judge(findings, known)
        bad |= bool(lines)
        answered = len(findings) - silent
        said = [f"{answered} packages audited, {len(lines)} vulnerabilities"] if answered else []
        said += [f"not audited: {why}"] if why else []
        said += (
            [f"not audited: {silent} packages, the index says nothing of them"] if silent else []
        )
        sys.stdout.write("".join(f"{lock.name}: {line}\n" for line in [*said, *lines]))
    if bad:
        sys.stdout.write("audit: raise the version, or enter it in requirements/accepted.toml\n")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
