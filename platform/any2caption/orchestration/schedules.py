"""When DAGs run by themselves."""

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable

WEEKLY = "0 0 * * 0"


def weekly_or(asset: Asset) -> AssetOrTimeSchedule:
    """Run at the start of every week (UTC), and on every event of the asset."""
    return AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(WEEKLY, timezone="UTC"), assets=[asset]
    )
