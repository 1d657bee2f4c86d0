"""Whether the current release answers: every step and every public model is asked itself."""

from any2caption.errors import A2CError, UnavailableError
from any2caption.serving import contract
from any2caption.settings import Settings

_PROBE_SECONDS = 10.0
NOTHING = "no release, and no release 0 either: a fresh `a2c up` makes it, or says why not"
COMPOSED = "release 0: composed from facts, no model released yet"


def models() -> list[str]:
    """Return the names of the public models."""
    return list(contract.PUBLIC)


def ask(settings: Settings) -> tuple[dict[str, str], str]:
    """Return a reason by public model ("" when it answers), and a note on what is served.

    A step that does not answer an empty request in time counts as unhealthy: whoever sends a real
    one waits as long.
    """
    from any2caption.serving.control import connect
    from any2caption.serving.releases import watchdog
    from any2caption.serving.releases.rollout import live_repository

    live = live_repository(settings)
    try:
        pointer = live.current()
        with connect(settings) as control:
            found = watchdog.inspect(control, live, timeout=_PROBE_SECONDS)
    except UnavailableError:
        return dict.fromkeys(models(), "Triton does not answer"), ""
    except A2CError as error:
        return dict.fromkeys(models(), str(error)), ""
    if pointer is None:
        return dict.fromkeys(models(), NOTHING), ""
    bad = {one.model: f"{one.model}: {one.message}" for one in found if one.state != "alive"}
    reasons = {}
    for ensemble in contract.ensembles(pointer.release):
        steps = [contract.release_name(step.name, pointer.release) for step in ensemble.steps]
        reasons[ensemble.name] = "; ".join(
            bad[name] for name in (*steps, ensemble.name) if name in bad
        )
    composed = pointer.release == contract.NO_MODEL
    return reasons, COMPOSED if composed else f"release {pointer.release}"
