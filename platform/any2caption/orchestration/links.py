"""Links from a task in Airflow's interface to what it made: report, run, version, card.

A link is found out in the task's own process when the task ends, whether it failed or not, from
what the task returned or was given; Airflow keeps it with the task.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperatorLink

Request = Mapping[str, Any]
Find = Callable[[Any, Request], str]


class MadeLink(BaseOperatorLink):  # type: ignore[misc]  # Airflow is untyped here
    """A link by its name; `find` gets settings and request, and returns an address or ""."""

    def __init__(self, name: str, find: Find) -> None:
        self._name, self._find = name, find

    @property
    def name(self) -> str:
        """What the button says."""
        return self._name

    @property
    def xcom_key(self) -> str:
        """Under which key Airflow keeps it."""
        return f"_link_{self._name.lower().replace(' ', '_')}"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; "" where there is none, or MLflow does not answer."""
        from any2caption.errors import A2CError
        from any2caption.settings import Settings

        try:
            return self._find(Settings(), _request(operator, ti_key))
        except (A2CError, KeyError):
            return ""


def linked(*links: MadeLink) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate what makes a task, so that the task shows links."""

    def around(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **options: Any) -> Any:
            task = make(*arguments, **options)
            operator = getattr(task, "operator", task)
            operator.operator_extra_links = (*operator.operator_extra_links, *links)
            return task

        return made

    return around


def _request(operator: Any, ti: Any) -> Request:
    """What the task returned, else what it was given: a task that failed returned nothing."""
    returned = ti.xcom_pull(task_ids=ti.task_id)
    work = getattr(operator, "work", None)
    for found in (returned, work, *getattr(operator, "op_args", ())):
        if isinstance(found, Mapping):
            return found
    return {}


def _data_report(settings: Any, request: Request) -> str:
    from any2caption.registry.pages import data_page

    return data_page(settings, request["snapshot"], "data_docs/index.html")


def _data_card(settings: Any, request: Request) -> str:
    from any2caption.registry.pages import data_page

    return data_page(settings, request["snapshot"], "data_card/data_card.html")


def _training_run(settings: Any, request: Request) -> str:
    from any2caption.registry.pages import training_page

    # A job's folder is `<runs>/<run>/jobs/train`.
    return training_page(settings, Path(request["folder"]).parents[1])


def _version(settings: Any, request: Request) -> str:
    from any2caption.registry.pages import version_page

    return version_page(settings, int(request["version"]))


def _gate_report(settings: Any, request: Request) -> str:
    from any2caption.registry.pages import verdict_page

    return verdict_page(settings, int(request["version"]))


def _model_card(settings: Any, request: Request) -> str:
    from any2caption.registry.pages import version_artifact

    return version_artifact(settings, int(request["version"]), "card/model_card.html")


DATA_REPORT = MadeLink("Data report", _data_report)
DATA_CARD = MadeLink("Data card", _data_card)
TRAINING_RUN = MadeLink("MLflow run", _training_run)
VERSION = MadeLink("MLflow version", _version)
GATE_REPORT = MadeLink("Gate report", _gate_report)
MODEL_CARD = MadeLink("Model card", _model_card)
