"""Which Triton this is, what NVIDIA has published against it, and what closes each hole here.

The wheel from PyPI carries Triton 2.51 (container 24.10), and nothing newer can be installed from
there: `tritonserver` is the Python interface of a server that is installed already. Source of the
numbers: NVIDIA's product security bulletins 5687 (2025), 5816, 5828, 5848, 5853, 5860, 5865 and
5875 (2026), and the records CVE-2025-23316, -33201 and -33211. Many of them name only the kind of
fault, not the place; which surface it belongs to is then our own reading.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = "TRITON_SERVER_VERSION"  # NVIDIA's containers set it
WHEEL = "2.51.0"  # what nvidia-pytriton 0.7.0 carries
# pybind11 2.12 came to the Python backend after 2.51 (python_backend, pull request 384), and the
# notes of 2.52 still name NumPy 2 as a known problem.
_NUMPY_2 = (2, 53)
_FIXED = (2, 71)  # container 26.07: nothing is published against it or later ones


@dataclass(frozen=True, slots=True)
class Hole:
    """Published vulnerabilities of one surface, fixed in container `fixed` at the latest."""

    surface: str
    fixed: str
    cves: tuple[str, ...]
    closed_by: str


def _cves(year: int, *numbers: int) -> tuple[str, ...]:
    return tuple(f"CVE-{year}-{number}" for number in numbers)


HOLES = (
    Hole(
        "HTTP endpoint: chunks, headers, overflows on the stack and the heap",
        "26.05",
        (*_cves(2025, 23310, 23311, 23317), *_cves(2026, 24175, 24264, 47477)),
        "HTTP is off; the door refuses compressed messages and forwards two headers",
    ),
    Hole(
        "loading of models and their configurations, log and trace files, paths",
        "26.06",
        (
            *_cves(2025, 23316, 23335),
            *_cves(2026, 24147, 24208, 24209, 47606, 47627, 47630),
        ),
        "the door offers none of it; Triton's own socket is its owner's alone and asks for a key",
    ),
    Hole(
        "shared memory: internal regions registered by name, or told in an error",
        "25.07",
        _cves(2025, 23318, 23319, 23320, 23333, 23334),
        "the door refuses the protocol and its parameters, and shows no error that names memory",
    ),
    Hole(
        "keys of restricted protocols passed by",
        "26.05",
        _cves(2026, 24206, 24207, 47481, 47625),
        "no client reaches the endpoint: a socket's folder or a network policy keeps others out",
    ),
    Hole(
        "malformed inference requests: shapes, sizes, many outputs, recursion",
        "26.07",
        (
            *_cves(2025, 23321, 23323, 23324, 23325, 23326, 23327, 23331, 33211),
            *_cves(2026, 24146, 24173, 24174, 24210, 47480, 47629, 16497),
        ),
        "the door writes every request anew: known tensors, [n] byte strings, sizes that add up",
    ),
    Hole(
        "requests without limits: memory and descriptors",
        "26.06",
        (*_cves(2025, 33201), *_cves(2026, 47476, 47478, 47479, 47482, 47628)),
        "the door bounds the size, number and time of requests before they reach Triton",
    ),
    Hole(
        "streams and cancellation in the server",
        "26.04",
        (*_cves(2025, 23322), *_cves(2026, 24266)),
        "the door answers streams itself and opens none in Triton; it cancels there only what long "
        "outlives its time",
    ),
    Hole(
        "the DALI backend, the MLflow plug-in",
        "26.03",
        (*_cves(2025, 23268), *_cves(2026, 24213, 24214, 24215, 47487)),
        "neither is installed",
    ),
)


def version(environment: Mapping[str, str] = os.environ) -> str:
    """Return the version of the server: the container's own, or the wheel's."""
    return environment.get(VARIABLE) or WHEEL


def parsed(text: str) -> tuple[int, int]:
    """Return `(2, 51)` of `2.51.0`.

    Raises:
        ValueError: this is not a version of Triton.
    """
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def takes_numpy_2(text: str) -> bool:
    """Whether the Python backend of this server reads NumPy 2's arrays; older ones lose them."""
    return parsed(text) >= _NUMPY_2


def holes(text: str) -> tuple[Hole, ...]:
    """Return what is published against this server; nothing from container 26.07 on."""
    return () if parsed(text) >= _FIXED else HOLES
