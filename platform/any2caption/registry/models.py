"""Model versions in MLflow: registering a bundle, its verdict, its aliases, and getting it back.

One bundle is one model version: registering is idempotent by the bundle's digest. Aliases say how
far a version has come: `candidate` (registered) and `challenger` (passed its gate); `champion`
belongs to `registry.promotion`.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from any2caption.datasets.mlflow_input import mlflow_input
from any2caption.errors import IntegrityError, NotFoundError
from any2caption.evaluation.gates import Verdict
from any2caption.evaluation.reports.judged import Kept, read_report
from any2caption.registry.client import EXPERIMENT, MODEL, ModelVersion, mlflow_client
from any2caption.registry.pages import version_artifact
from any2caption.settings import Settings
from any2caption.storage import signatures
from any2caption.storage.digest import SIGNATURE, listing_digest
from any2caption.storage.scratch import scratch
from any2caption.storage.signing_keys import Keys
from any2caption.storage.space import full_disk_named

if TYPE_CHECKING:
    from mlflow import MlflowClient

BUNDLE = "bundle"
DIGEST = "a2c.bundle_digest"
VERDICT, POLICY, REASONS, FOR_RELEASE = (
    "a2c.verdict",
    "a2c.policy",
    "a2c.reasons",
    "a2c.for_release",
)
PASSED, REFUSED = "passed", "refused"
CANDIDATE, CHALLENGER = "candidate", "challenger"
_LONGEST_TAG = 4_000


@dataclass(frozen=True, slots=True)
class Registered:
    """A model version as MLflow shows it. What its tags say is for people and decides nothing.

    `verdict` is "" before the gate has spoken.
    """

    version: int
    run_id: str
    digest: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """`passed`, `refused` or ""."""
        return self.tags.get(VERDICT, "")

    @property
    def for_release(self) -> bool:
        """Whether the policy that judged it is meant for product traffic."""
        return self.tags.get(FOR_RELEASE) == "true"

    @property
    def reasons(self) -> str:
        """The verdict's reasons, one a line."""
        return self.tags.get(REASONS, "")


def _registered(found: ModelVersion) -> Registered:
    return Registered(
        version=int(found.version),
        run_id=found.run_id,
        digest=found.tags.get(DIGEST, ""),
        tags=dict(found.tags),
        aliases=tuple(found.aliases),
    )


def register(  # noqa: PLR0913 - what a version is tagged with
    settings: Settings,
    bundle: Path,
    *,
    snapshot: str = "",
    run_key: str = "",
    preset: str = "",
    recipe: str = "",
) -> Registered:
    """Register a signed bundle as a version of the model `any2caption` and alias it `candidate`.

    The same bundle again gives the same version, also after a crash half-way.

    Raises:
        NotFoundError: there is no such folder, or it is empty.
        IntegrityError: it is not what our key signed.
        UnavailableError: MLflow does not answer.
    """
    if not bundle.is_dir() or not any(bundle.iterdir()):
        raise NotFoundError(f"{bundle}: no model bundle there")
    tags = {
        DIGEST: listing_digest(signatures.verify(bundle, keys=Keys.of(settings))),
        "a2c.snapshot": snapshot,
        "a2c.run_key": run_key,
        "a2c.preset": preset,
        "a2c.recipe": recipe,
    }
    tags = {name: value for name, value in tags.items() if value}
    with mlflow_client(settings) as client:
        _ensure_model(client)
        found = _by_digest(client, tags[DIGEST])
        if found is None:
            run_id = _upload(client, bundle, tags)
            client.create_model_version(
                MODEL, source=f"runs:/{run_id}/{BUNDLE}", run_id=run_id, tags=tags
            )
            # Two registrations of one bundle at once both get here; the lower version counts.
            found = _by_digest(client, tags[DIGEST])
        else:
            # The same bundle may have been signed anew, or for the first time.
            client.log_artifact(found.run_id, str(bundle / SIGNATURE), BUNDLE)
        if found is None:
            raise NotFoundError(f"{MODEL}: version of bundle {tags[DIGEST][:12]} is gone again")
        if not found.aliases:
            client.set_registered_model_alias(MODEL, CANDIDATE, str(found.version))
        return _get(client, found.version)


def get(settings: Settings, version: int) -> Registered:
    """Look one version up; NotFoundError if there is none."""
    with mlflow_client(settings) as client:
        return _get(client, version)


def by_alias(settings: Settings, alias: str) -> Registered | None:
    """Return the version that an alias points at, or None."""
    with mlflow_client(settings) as client:
        aliases = _aliases(client)
        return _get(client, int(aliases[alias])) if alias in aliases else None


def record_verdict(
    settings: Settings, version: int, verdict: Verdict, report: Path | None = None
) -> Registered:
    """Write the gate's verdict on a version: tags with reasons, the report's files as artifacts.

    A pass makes the version `challenger`. A refusal takes that alias away if this version had it.
    """
    with mlflow_client(settings) as client:
        found = _get(client, version)
        if report is not None:
            for name in ("report.json", "report.html"):
                if (report / name).is_file():
                    client.log_artifact(
                        found.run_id, str(report / name), f"evaluation/{verdict.policy}"
                    )
        tags = {
            POLICY: verdict.policy,
            FOR_RELEASE: json.dumps(verdict.for_release),
            REASONS: "\n".join(verdict.reasons)[:_LONGEST_TAG],
            VERDICT: PASSED if verdict.passed else REFUSED,  # last: a half-written verdict is none
        }
        for name, value in tags.items():
            client.set_model_version_tag(MODEL, str(version), name, value)
            client.set_tag(found.run_id, name, value)
        if verdict.passed:
            client.set_registered_model_alias(MODEL, CHALLENGER, str(version))
        elif CHALLENGER in found.aliases:
            client.delete_registered_model_alias(MODEL, CHALLENGER)
        return _get(client, version)


def report_url(settings: Settings, version: int, policy: str) -> str:
    """Return the address of a version's report under a policy in MLflow's pages."""
    return version_artifact(settings, version, f"evaluation/{policy}/report.html")


def fetch_report(settings: Settings, version: int, policy: str, verdict: Kept) -> dict[str, Any]:
    """Return the report that MLflow has of a verdict.

    Raises:
        NotFoundError: it has none.
        IntegrityError: it has another one.
        UnavailableError: it does not answer.
    """
    name = f"evaluation/{policy}/report.json"
    with mlflow_client(settings) as client, tempfile.TemporaryDirectory() as folder:
        run = _get(client, version).run_id
        if name not in {one.path for one in client.list_artifacts(run, f"evaluation/{policy}")}:
            raise NotFoundError(f"MLflow has no {name} of {MODEL} version {version}")
        return read_report(verdict, Path(client.download_artifacts(run, name, folder)))


def set_alias(settings: Settings, alias: str, version: int) -> None:
    """Point an alias at a version."""
    with mlflow_client(settings) as client:
        client.set_registered_model_alias(MODEL, alias, str(version))


def remove_alias(settings: Settings, alias: str) -> None:
    """Take an alias away; what is not there is no error."""
    with mlflow_client(settings) as client:
        client.delete_registered_model_alias(MODEL, alias)


def fetch_bundle(settings: Settings, version: int, dest: Path, *, digest: str) -> Path:
    """Download a version's bundle to the folder `dest` and check it: signature and `digest`.

    The digest is the catalogue's; what MLflow's tags say does not count. A `dest` that already
    holds this bundle is kept; another content there is replaced. Nothing unverified is ever visible
    at `dest`.

    Raises:
        IntegrityError: what MLflow holds is not what was registered, or is not signed by our key.
        UnavailableError: MLflow does not answer, or the disk is full.
    """
    keys = Keys.of(settings)
    with suppress(NotFoundError, IntegrityError):
        if listing_digest(signatures.verify(dest, keys=keys)) == digest:
            return dest
    with mlflow_client(settings) as client:
        found = _get(client, version)
        what = f"the bundle of version {version}"
        with full_disk_named(dest.parent, what), scratch(dest.parent, dest.name) as folder:
            client.download_artifacts(found.run_id, BUNDLE, str(folder))
            fresh = folder / BUNDLE
            if not (fresh / SIGNATURE).is_file():
                raise IntegrityError(
                    f"{MODEL} version {version}: its bundle in MLflow is not signed; sign that of "
                    "its training run (`a2c model sign FOLDER`) and run `finetune` again, which "
                    "registers it with its signature and trains nothing twice"
                )
            try:
                stored = listing_digest(signatures.verify(fresh, keys=keys))
            except IntegrityError as error:
                raise IntegrityError(f"{MODEL} version {version} in MLflow: {error}") from error
            if stored != digest:
                raise IntegrityError(
                    f"{MODEL} version {version}: the stored bundle has digest {stored[:12]}…, "
                    f"{digest[:12]}… was registered"
                )
            if dest.exists():
                shutil.rmtree(dest)
            fresh.rename(dest)
    return dest


def _get(client: "MlflowClient", version: int) -> Registered:
    return _registered(client.get_model_version(MODEL, str(version)))


def _aliases(client: "MlflowClient") -> dict[str, str]:
    return dict(client.get_registered_model(MODEL).aliases)


def _by_digest(client: "MlflowClient", digest: str) -> Registered | None:
    found: list[Any] = list(
        client.search_model_versions(f"name='{MODEL}' and tags.`{DIGEST}`='{digest}'")
    )
    if not found:
        return None
    return _get(client, min(int(version.version) for version in found))


def _ensure_model(client: "MlflowClient") -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(MODEL, description="Any condition to structured caption")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _experiment(client: "MlflowClient") -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(EXPERIMENT))
    except MlflowException as error:
        found = client.get_experiment_by_name(EXPERIMENT)
        if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
            raise
        return str(found.experiment_id)


def _name(tags: Mapping[str, str]) -> str:
    """Name the run of a bundle as the training's own run is, with the bundle's digest."""
    bundle = f"bundle {tags[DIGEST][:12]}"
    known = [tags.get(f"a2c.{name}", "") for name in ("preset", "recipe", "snapshot")]
    if not all(known):
        return bundle
    preset, recipe, snapshot = known
    return f"{preset} by {recipe} on {snapshot[:12]}, {bundle}"


def _upload(client: "MlflowClient", bundle: Path, tags: Mapping[str, str]) -> str:
    """Put the bundle into a run of its own, or find the earlier complete upload of it."""
    experiment = _experiment(client)
    done = f"tags.`{DIGEST}` = '{tags[DIGEST]}' and attributes.status = 'FINISHED'"
    earlier = client.search_runs([experiment], done, max_results=1)
    if earlier:
        return str(earlier[0].info.run_id)
    run_id = str(client.create_run(experiment, tags=dict(tags), run_name=_name(tags)).info.run_id)
    for name in ("preset", "recipe"):
        if value := tags.get(f"a2c.{name}"):
            client.log_param(run_id, name, value)
    if snapshot := tags.get("a2c.snapshot"):
        client.log_inputs(run_id, datasets=[mlflow_input(snapshot, "training")])
    client.log_artifacts(run_id, str(bundle), BUNDLE)
    client.set_terminated(run_id, "FINISHED")
    return run_id
