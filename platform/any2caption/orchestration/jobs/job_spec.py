"""What each heavy stage runs: pure functions from ids to a command line and its folder."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from any2caption.names import safe_name
from any2caption.orchestration.jobs.local_jobs import Job
from any2caption.settings import Settings
from any2caption.storage import digest_of
from any2caption.storage.digest import json_digest


@dataclass(frozen=True, slots=True)
class Work:
    """A stage's work: `arguments` follow the interpreter of the environment (train or control).

    `key` is the same for the same work: it names the job folder and, on Kubernetes, the pod. When
    the file `done` is there, the work was done before and nothing is started.
    """

    stage: str
    key: str
    arguments: tuple[str, ...]
    folder: str
    done: str
    lifecycle: str
    environment: str = "train"

    def as_dict(self) -> dict[str, Any]:
        """Return what travels through XCom."""
        return {**asdict(self), "arguments": list(self.arguments)}

    def job(self, settings: Settings) -> Job:
        """Return it as a local job."""
        python = settings.train_python if self.environment == "train" else sys.executable
        return Job(self.key, (python, *self.arguments), Path(self.folder))

    def is_done(self) -> bool:
        """Whether the file that says so is there."""
        return bool(self.done) and Path(self.done).exists()


def from_dict(value: Mapping[str, Any]) -> Work:
    """Read what `as_dict` wrote."""
    return Work(**{**value, "arguments": tuple(value["arguments"])})


def run_key(snapshot: str, preset: str, recipe: Mapping[str, Any], weights: str = "") -> str:
    """Identify a training run by snapshot, preset, the recipe's content and starting weights."""
    parts = [snapshot, preset, recipe, *([weights] if weights else [])]
    return json_digest(parts)[:16]


def ingest(settings: Settings, request: Mapping[str, Any]) -> Work:
    """Read a source into a snapshot; always started, since a source may have changed."""
    key = f"ingest-{digest_of(request['source'].encode())[:16]}"
    folder = settings.home / "ingest" / key
    arguments = (
        *("-m", "any2caption.datasets.ingest", "--source", request["source"]),
        *("--lifecycle", request["lifecycle"], "--out", str(folder / "result.json")),
    )
    return Work(
        "ingest", key, arguments, str(folder), "", request["lifecycle"], environment="control"
    )


def prepare(settings: Settings, request: Mapping[str, Any]) -> Work:
    """Turn a snapshot's records into the arrays that training reads."""
    folder = run_folder(settings, request["run"])
    arguments = (
        *("-m", "any2caption.training.prepare"),
        *("--snapshot", request["snapshot"], "--preset", request["preset"]),
        *("--recipe", request["recipe"], "--out", str(folder / "data")),
        *_common(settings, request),
    )
    done = folder / "train" / "bundle" / "manifest.json"
    return _work(settings, "prepare", request, arguments, done)


def train(settings: Settings, request: Mapping[str, Any]) -> Work:
    """Train, resuming from the last checkpoint in the run's folder."""
    folder = run_folder(settings, request["run"])
    arguments = (
        *("-m", "any2caption.training.launch.supervisor"),
        *("--preset", request["preset"], "--recipe", request["recipe"]),
        *("--data", str(folder / "data"), "--out", str(folder / "train")),
        *_common(settings, request),
    )
    done = folder / "train" / "bundle" / "manifest.json"
    return _work(settings, "train", request, arguments, done)


def evaluate(
    settings: Settings,
    request: Mapping[str, Any],
    champion: Path | None,
    best: Path | None = None,
) -> Work:
    """Score the run's bundle on the held-out split, beside the champion's and the best former's."""
    arguments = (
        *("-m", "any2caption.evaluation.run"),
        *("--bundle", str(bundle(settings, request["run"]))),
        *("--snapshot", request["snapshot"], "--policy", request["policy"]),
        *("--out", str(evaluation(settings, request))),
        *("--lifecycle", request["lifecycle"]),
        *(("--version", str(request["version"])) if request.get("version") else ()),
        *(() if champion is None else ("--champion", str(champion))),
        *(() if champion is None else ("--champion-version", str(request["champion"]))),
        *(() if best is None else ("--best", str(best))),
    )
    done = evaluation(settings, request) / "report.json"
    return _work(settings, "evaluate", request, arguments, done, request["evaluation"])


def run_folder(settings: Settings, run: object) -> Path:
    """The folder of a training run; ConfigError for a key that is not a safe name of one."""
    return settings.runs / safe_name(run, "training run")


def bundle(settings: Settings, run: object) -> Path:
    """The bundle that a training run leaves."""
    return run_folder(settings, run) / "train" / "bundle"


def evaluation_name(request: Mapping[str, Any]) -> str:
    """Name an evaluation by its policy and what it depends on: bundle, snapshot, policy, code.

    So a report is found again for the same question only.
    """
    from any2caption.evaluation.code import code_digest
    from any2caption.evaluation.gates import policy_digest, policy_of

    policy = policy_of(request["policy"])
    bundle_digest = request.get("digest", "")
    question = f"{request['snapshot']} {policy_digest(policy)} {code_digest()} {bundle_digest}"
    return f"{policy.name}-{digest_of(question.encode())[:8]}"


def evaluation(settings: Settings, request: Mapping[str, Any]) -> Path:
    """The folder of one evaluation of a run: its name, or `<name>-vs-<champion's version>`."""
    name = safe_name(request["evaluation"], "evaluation")
    return run_folder(settings, request["run"]) / "evaluation" / name


def _common(settings: Settings, request: Mapping[str, Any]) -> tuple[str, ...]:
    weights = str(request.get("weights", ""))
    return (
        *("--progress", str(settings.progress_log), "--lifecycle", request["lifecycle"]),
        *(("--weights", weights) if weights else ()),
    )


def _work(  # noqa: PLR0913, PLR0917 - the fields of a Work
    settings: Settings,
    stage: str,
    request: Mapping[str, Any],
    arguments: tuple[str, ...],
    done: Path,
    variant: str = "",
) -> Work:
    name = safe_name("-".join(part for part in (stage, variant) if part), "job")
    folder = run_folder(settings, request["run"]) / "jobs" / name
    return Work(
        stage, f"{name}-{request['run']}", arguments, str(folder), str(done), request["lifecycle"]
    )
