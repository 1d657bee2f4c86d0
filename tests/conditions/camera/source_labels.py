"""What each data source's own names of camera movements mean, in the vocabulary's keys.

Sources use the same words for other movements: "pan" is a sideways move in CamI2V and VideoX-Fun
but a turn in ReCamMaster; CamI2V's "rotate clockwise" turns the PICTURE clockwise; "zoom" is a
forward move in all four, since no file changes the focal length.
"""

import re
from collections.abc import Mapping

_UP = ("pedestal_up", "tilt_down")
_DOWN = ("pedestal_down", "tilt_up")
_MOVES = {
    "left": "truck_left",
    "right": "truck_right",
    "up": "pedestal_up",
    "down": "pedestal_down",
}
_LOOKS = {"left": "pan_left", "right": "pan_right", "up": "tilt_up", "down": "tilt_down"}
_ZOOMS = {"zoom in": ("dolly_in",), "zoom out": ("dolly_out",)}
_DIAGONALS = {
    f"pan {side} {height}": (_MOVES[side], _MOVES[height])
    for side in ("left", "right")
    for height in ("up", "down")
}

SOURCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cami2v": {
        **{f"pan {side}": (key,) for side, key in _MOVES.items()},
        **{f"look {side}": (key,) for side, key in _LOOKS.items()},
        **_ZOOMS,
        "orbit left": ("orbit_left",),
        "orbit right": ("orbit_right",),
        "orbit up": _UP,
        "orbit down": _DOWN,
        "rotate clockwise": ("roll_anticlockwise",),
        "rotate counterclockwise": ("roll_clockwise",),
        "rotate anticlockwise": ("roll_clockwise",),
        "stationary": ("static",),
    },
    "videox_fun": {
        **{f"pan {side}": (key,) for side, key in _MOVES.items()},
        **_DIAGONALS,
        **_ZOOMS,
        "cw": ("roll_clockwise",),
        "acw": ("roll_anticlockwise",),
    },
    "recammaster": {
        "pan right": ("pan_right",),
        "pan left": ("pan_left",),
        "tilt up": ("tilt_up",),
        "tilt down": ("tilt_down",),
        **_ZOOMS,
        "translate up": _UP,
        "translate down": _DOWN,
        "arc left": ("orbit_left",),
        "arc right": ("orbit_right",),
    },
    "motionctrl": {
        "u": ("pedestal_up",),
        "d": ("pedestal_down",),
        "l": ("truck_left",),
        "r": ("truck_right",),
        "i": ("dolly_in",),
        "o": ("dolly_out",),
        "spin cw": ("roll_clockwise",),
        "spin acw": ("roll_anticlockwise",),
        "round ri": ("orbit_right",),
        "round zoomin": ("orbit_right", "dolly_in"),
    },
    "viewcrafter": {
        "left": ("orbit_left",),
        "right": ("orbit_right",),
        "zoomin": ("dolly_in",),
        "zoomout": ("dolly_out",),
    },
    "vbench": {
        "pans left": ("pan_left",),
        "pans right": ("pan_right",),
        "tilts up": ("tilt_up",),
        "tilts down": ("tilt_down",),
        "zooms in": ("zoom_in",),
        "zooms out": ("zoom_out",),
        "static": ("static",),
    },
}
"""Source → its label (lower case, blanks) → movement keys, in order where they follow each other.

Vertical orbits are a pedestal with the opposite tilt: *orbit* is kept for left and right. VBench
has prompts without paths; its words are taken literally.
"""

RECAMMASTER_CAMERAS: Mapping[str, str] = {
    "cam01": "pan right",
    "cam02": "pan left",
    "cam03": "tilt up",
    "cam04": "tilt down",
    "cam05": "zoom in",
    "cam06": "zoom out",
    "cam07": "translate up",
    "cam08": "translate down",
    "cam09": "arc left",
    "cam10": "arc right",
}
"""ReCamMaster's ten cameras and their labels."""


def label_keys(source: str, label: str) -> tuple[str, ...]:
    """Return the movement keys that a source's own label means.

    Speeds and numbers at the end (`I_0.2x`, `SPIN-CW-60`, `zoomin1`) are not part of the label;
    ReCamMaster's camera names count as labels.
    """
    name = RECAMMASTER_CAMERAS.get(label, label) if source == "recammaster" else label
    plain = re.sub(r"[_\-\s]+", " ", name.casefold()).strip()
    plain = re.sub(r"( ?\d+(\.\d+)?x?)+$", "", plain)
    return SOURCES[source][plain]
