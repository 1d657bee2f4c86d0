"""Requests that a release must answer before and after it is switched to."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from any2caption.captions.schema import StructuredCaption
from any2caption.errors import A2CError, GateRefused
from any2caption.serving import contract
from any2caption.serving.client import CaptionClient, FileElement

if TYPE_CHECKING:
    from any2caption.grounding.options import Writer

_TURN = (
    "0.998750 0 0.049979 0 0 1 0 0 -0.049979 0 0.998750 0",
    "0.995004 0 0.099833 0 0 1 0 0 -0.099833 0 0.995004 0",
)


def camera_text() -> bytes:
    """Return a short RealEstate10K path."""
    poses = ("1 0 0 0 0 1 0 0 0 0 1 0", *_TURN)
    lines = [f"{33_333 * i} 0.5 0.89 0.5 0.5 0 0 {pose}" for i, pose in enumerate(poses)]
    return ("\n".join(["smoke", *lines]) + "\n").encode()


def picture() -> bytes:
    """Return a small PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def requests() -> dict[str, tuple[str, dict[str, list[FileElement]]]]:
    """Return named requests: text alone, conditions alone, both."""
    camera = {"camera": [FileElement(camera_text(), {"name": "smoke.txt"})]}
    image = {"image": [FileElement(picture(), {"name": "smoke.png"})]}
    return {
        "text": ("A red ball in a grassy meadow.", {}),
        "camera": ("", camera),
        "mixed": ("A person waves.", {**camera, **image}),
    }


def check(
    url: str,
    release: int,
    name_of: Callable[[str], str] = str,
    *,
    key: str = "",
    timeout: float = 120.0,
) -> None:
    """Ask a release's ensembles; `name_of` maps a public name to the one to ask.

    The model itself must write, if the release has one, whatever it was trained on. At Triton's own
    address it takes the `key`; at the door there are only the public names.

    Raises:
        GateRefused: an answer is missing, malformed or of another release.
    """
    writer: Writer = "compose" if release == contract.NO_MODEL else "model"
    with CaptionClient(url, key=key, timeout=timeout) as client:
        for name, (text, files) in requests().items():
            video = name == "text"
            model = name_of("any2video" if video else "any2caption")
            try:
                result = client.caption_files(text, files, video=video, model=model, writer=writer)
            except A2CError as error:
                raise GateRefused(f"{model}: smoke request {name!r} failed: {error}") from error
            except ValueError as error:
                raise GateRefused(f"{model}: smoke request {name!r}: no six parts") from error
            if result.info.get("release") != release:
                answered = result.info.get("release")
                raise GateRefused(f"{model}: release {answered} answered, not {release}")
            if result.writer != writer:
                raise GateRefused(f"{model}: {result.writer} answered, {writer} was asked")
            if not isinstance(result.caption, StructuredCaption) or not result.text:
                raise GateRefused(f"{model}: smoke request {name!r}: no caption")
            if video and b"ftyp" not in (result.video or b"")[:16]:
                raise GateRefused(f"{model}: the video is not an MP4")
