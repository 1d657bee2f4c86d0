"""When DAGs run by themselves."""

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable

WEEKLY = "0 0 * * 0"
QUARTER_HOURLY = "*/15 * * * *"


def at_or(times: str, asset: Asset) -> AssetOrTimeSchedule:
    """Run at these times (UTC), and on every event of the asset."""
    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(times, timezone="UTC"), assets=[asset]
    )
