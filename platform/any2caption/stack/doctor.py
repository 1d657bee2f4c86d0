"""Look for what is unsafe or unfit about this installation: `a2c doctor`.

A check is a function from settings to findings; add one to `CHECKS`. It changes nothing, starts
nothing and needs no running stack.
"""

from collections.abc import Iterable, Iterator

from any2caption.conditions.isolation import sandbox
from any2caption.perception import registry, weights
from any2caption.serving import server_version
from any2caption.settings import Settings
from any2caption.stack import machine
from any2caption.stack.finding import Check, Finding


def triton_version(_settings: Settings) -> Iterable[Finding]:
    """What is published against this Triton, and what closes it here."""
    text = server_version.version()
    for hole in server_version.holes(text):
        yield Finding(
            "note",
            f"Triton {text}: {hole.surface}: {', '.join(hole.cves)} (fixed by {hole.fixed})",
            f"closed here: {hole.closed_by}",
        )


def triton_address(settings: Settings) -> Iterable[Finding]:
    """Triton itself must not listen where others reach it."""
    inner = settings.triton_inner_url
    host = inner.rpartition(":")[0]
    if not inner.startswith("unix:") and host not in {"127.0.0.1", "localhost"}:
        yield Finding(
            "warning",
            f"A2C_TRITON_INNER_URL={inner}: whoever reaches it and has the key can run code there",
            "let only the platform's own machines reach this address (NetworkPolicy, firewall)",
        )


def parse_sandbox(_settings: Settings) -> Iterable[Finding]:
    """What this machine lacks of the sandbox that files are parsed in."""
    for layer, active, why in sandbox.sandbox_report():
        if not active:
            alone = layer in {"sandbox", "seccomp"}  # without it, the others do not hold everything
            yield Finding(
                "warning" if alone else "note",
                f"files are parsed without the layer {layer!r}: {why}",
                _SANDBOX_FIXES.get(layer, "see the message"),
            )


_SANDBOX_FIXES = {
    "seccomp": "apt-get install libseccomp2; pip install pyseccomp",
    "Landlock": "a Linux of 5.13 or newer with Landlock enabled",
    "network namespace": "the other layers still refuse every connection",
    "own user": "the other layers still refuse other users' files and processes",
}


def recognisers(_settings: Settings) -> Iterable[Finding]:
    """What pictures and clips are not looked at for, in this environment."""
    for line in registry.lacking():
        yield Finding("note", f"nobody looks for {line} is missing", weights.INSTALL)


CHECKS: tuple[Check, ...] = (
    triton_version,
    triton_address,
    parse_sandbox,
    recognisers,
    *machine.CHECKS,
)
_ORDER = ("danger", "warning", "note")


def findings(settings: Settings) -> list[Finding]:
    """Run every check; what must change comes first."""
    found = [finding for check in CHECKS for finding in _ran(check, settings)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.level))


def _ran(check: Check, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except ImportError as error:  # a base installation has no stack to look at
        name = check.__name__.replace("_", " ")
        yield Finding(
            "note",
            f"{name}: not looked at, {error.name} is not installed",
            "the extra control brings it: pip install 'any2caption-platform[control]'",
        )
