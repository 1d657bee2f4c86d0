"""The endpoint that annotates: paced, its answers kept in the object store."""

from any2caption.endpoints.client import Endpoint
from any2caption.endpoints.rate_limit import Pace
from any2caption.endpoints.responses import ResponseCache
from any2caption.errors import ConfigError
from any2caption.settings import Annotate
from any2caption.storage import ObjectStore

PREFIX = "cache/annotation/responses/"


def open_endpoint(settings: Annotate, store: ObjectStore) -> Endpoint:
    """Open the endpoint that the settings name; nothing is contacted yet.

    Raises:
        ConfigError: base URL or model are not set.
    """
    if not settings.base_url.startswith(("http://", "https://")) or not settings.model:
        raise ConfigError(
            "an endpoint needs A2C_ANNOTATE_BASE_URL (http://… or https://…) and "
            "A2C_ANNOTATE_MODEL; without one use the annotator `rules`"
        )
    pace = Pace(settings.requests_per_minute, settings.tokens_per_minute)
    key = settings.api_key.get_secret_value()
    return Endpoint(settings, key, ResponseCache(store, PREFIX), pace)
