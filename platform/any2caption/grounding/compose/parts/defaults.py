"""What a part says that nothing determines: neutral, true of any scene, and marked as invented."""

from collections.abc import Mapping

from any2caption.grounding.compose.material import Said

_FILL: Mapping[str, str] = {
    "dense": "the scene unfolds naturally",
    "main_object": "the main subject stays clearly in view",
    "background": "the setting suits the scene, without distractions",
    "camera": "the camera keeps a steady, clear view of the scene",
    "style": "light and colour stay consistent throughout",
    "action": "everything in the scene moves naturally",
}
_OFF: Mapping[str, str] = {
    "dense": "a scene",
    "main_object": "the subject of the scene",
    "background": "the setting of the scene",
    "camera": "a view of the scene",
    "style": "the look of the scene",
    "action": "the course of the scene",
}


def default(part: str, mode: str) -> Said:
    """Return a part's default; in mode `off`, which adds nothing, the most modest words."""
    return Said((_OFF if mode == "off" else _FILL)[part], origin="invented")
