"""Puts the platform's application into Airflow's API server."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from any2caption.orchestration.alias_webhook import plugin_apps


class Any2CaptionPlugin(AirflowPlugin):  # type: ignore[misc]  # Airflow is untyped here
    """MLflow's webhook."""

    name = "any2caption"
    fastapi_apps: ClassVar = plugin_apps()
