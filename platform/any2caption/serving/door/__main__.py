"""Start the door: `python -m any2caption.serving.door`; settings come from the environment."""

import argparse
import asyncio
import ctypes
import signal
from collections.abc import Sequence

from any2caption.errors import ConfigError
from any2caption.serving.steps.cancellation import CancelFlags
from any2caption.settings import Settings

_M_MMAP_THRESHOLD = -3  # of glibc's mallopt


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM; a request under way gets five seconds."""
    parser = argparse.ArgumentParser(prog="python -m any2caption.serving.door", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8001", help="address of the public port")
    chosen = parser.parse_args(arguments)
    settings = Settings()
    key = settings.triton_key.get_secret_value()
    if not key:
        raise ConfigError("A2C_TRITON_KEY is not set: the door needs the key to Triton")
    # Bodies of requests go back to the system when they are done with, however many there were.
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 20)
    asyncio.run(_serve(chosen.listen, settings, key))


async def _serve(listen: str, settings: Settings, key: str) -> None:
    from any2caption.serving.door.proxy import serve

    flags = CancelFlags(settings.cancel_folder)
    standing = serve(listen, settings.triton_inner_url, key, settings.door, flags)
    serving = asyncio.create_task(standing)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return
    except RuntimeError as error:
        raise ConfigError(f"{listen}: cannot listen there: {error}") from error


if __name__ == "__main__":
    main()
