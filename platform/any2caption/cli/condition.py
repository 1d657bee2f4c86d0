"""`a2c condition`: what condition files are, as the platform reads them; camera paths converted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from any2caption.cli.stack import Json
from any2caption.cli.terminal.console import put, put_json, say, working

condition = typer.Typer(help="Look at condition files.", no_args_is_help=True)


@condition.callback()
def group() -> None:
    """Look at condition files."""


@condition.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE_OR_DIR", help="A file, or a folder.")],
    kind: Annotated[
        str | None, typer.Option(help="Kind of condition (default: from the content).")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Format that it must be read as.")
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One file of a folder, or one record of a file."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What the file leaves open: scale=5000."),
    ] = None,
    preview: Annotated[
        Path | None, typer.Option(metavar="OUT.png|.mp4", help="Draw what was read.")
    ] = None,
    json: Json = False,
) -> None:
    """Print kind, format, shape, notes, movements and facts of condition files.

    [dim]a2c condition inspect path.txt --kind camera --preview path.png[/]
    """
    from any2caption.cli.call import parse_options
    from any2caption.conditions.inspect.report import inspect_path, report_of

    options = parse_options(f"option.{one}" for one in option or []).get("option", {})
    asked: dict[str, Any] = {"kind": kind, "format_": format_, "select": select, "options": options}
    with working(f"reading {path}"):
        if preview is None:
            report = report_of(path, **asked)
        else:
            found, report = inspect_path(path, **asked)
    if preview is not None:
        from any2caption.conditions.inspect.preview import draw_preview

        draw_preview(found, preview)
        report["preview"] = str(preview)
    if json:
        put_json(report)
    else:
        show(report)


@condition.command()
def convert(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A camera path of any format.")],
    to: Annotated[
        str,
        typer.Option(help="realestate10k, motionctrl, recammaster, nerfstudio, tum or npy."),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: beside the source.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What the file leaves open: axes=opengl."),
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(min=1, max=179, help="Vertical view in degrees, where the lens is unknown."),
    ] = None,
    fps: Annotated[float, typer.Option(min=0.01, help="Where the path has no times.")] = 24.0,
    width: Annotated[int, typer.Option(min=1, help="Picture width in pixels.")] = 1280,
    height: Annotated[int, typer.Option(min=1, help="Picture height in pixels.")] = 720,
    json: Json = False,
) -> None:
    """Write a camera path in another tool's format; axes and units are stated in the docs.

    [dim]a2c condition convert colmap/images.txt --to realestate10k --fov 50[/]
    """
    from any2caption.cli.call import parse_options
    from any2caption.conditions.camera.writers import Lens, default_name, write_camera
    from any2caption.conditions.io.files import read_parts
    from any2caption.conditions.isolation.parse import parse_condition
    from any2caption.conditions.types import Camera

    options = parse_options(f"option.{one}" for one in option or []).get("option", {})
    found = parse_condition("camera", read_parts(path), options=options)
    for sentence in (*found.assumptions, *found.warnings):
        say(sentence)
    assert isinstance(found.payload, Camera)  # noqa: S101 - what the kind's parser gives
    data = write_camera(found.payload, to, Lens(fps, width, height, fov))
    target = out or default_name(path, to)
    target.write_bytes(data)
    poses = len(found.payload.w2c)
    if json:
        put_json({"path": str(target), "poses": poses, "format": to, "read_as": found.format})
    else:
        put(f"{target}: {poses} poses as {to}, read as {found.format}")


def show(report: Mapping[str, Any]) -> None:
    """Print a report for people, a fact a line."""
    rule = f" (detected: {report['detected']})" if report["detected"] else ""
    put(f"kind: {report['kind']}{rule}")
    put(f"format: {report['format']}")
    for name, shape in report["shape"].items():
        put(f"{name}: {'×'.join(map(str, shape))}")
    known = {"path", "kind", "detected", "format", "shape", "assumptions", "warnings"}
    for name, value in report.items():
        if name not in {*known, "movements", "words", "facts", "preview"} and value is not None:
            put(f"{name}: {_plain(value)}")
    for name in ("assumptions", "warnings", "words"):
        for sentence in report.get(name, []):
            put(f"{name.removesuffix('s')}: {sentence}")
    for fact in report["facts"]:
        who = f"{fact['value']['who']} " if "who" in fact["value"] else ""
        put(f"states ({fact['aspect']}): {who}{fact['text']}")
    if "preview" in report:
        put(f"preview: {report['preview']}")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(map(str, value[:20]))
        return f"{text}, … ({len(value)})" if len(value) > 20 else text  # noqa: PLR2004
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in list(value.items())[:20])
    return str(value)
