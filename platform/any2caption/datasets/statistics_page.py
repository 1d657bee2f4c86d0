"""A snapshot's statistics as one HTML file: the paper's table, plots and thumbnails embedded."""

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from any2caption.datasets.records import Record
from any2caption.errors import A2CError
from any2caption.pages import render
from any2caption.storage import ObjectStore

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

THUMBNAILS = 24
_SIDE = 160  # pixels
_SHOWN = 140
"""Characters of a text beside a picture."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A sample's picture, or the reason why there is none."""

    label: str = ""
    text: str = ""
    jpeg: str = ""
    """Base64."""
    problem: str = ""


def page(identity: str, statistics: Mapping[str, Any], thumbnails: Iterable[Thumbnail] = ()) -> str:
    """Return the page."""
    return render(
        "any2caption.datasets",
        "statistics.html",
        identity=identity,
        statistics=statistics,
        kinds=_kinds(statistics),
        words=_words(statistics),
        camera=statistics.get("camera_language"),  # older snapshots have no such figures
        plots=_plots(statistics),
        thumbnails=thumbnails,
    )


def thumbnails(
    store: ObjectStore, records: Iterable[Record], count: int = THUMBNAILS
) -> Iterator[Thumbnail]:
    """Yield pictures of the first `count` records that have a picture or a clip.

    A condition that cannot be loaded is shown as such: a page is not a place to fail.
    """
    from any2caption.conditions.types import Image, Video
    from any2caption.datasets.snapshots import load_condition

    shown = 0
    for record in records:
        for item in record.conditions:
            if shown >= count:
                return
            if item.kind not in {"image", "video"}:
                continue
            try:
                payload = load_condition(store, item).payload
            except A2CError as error:
                yield Thumbnail(problem=str(error))
                break
            if isinstance(payload, Image | Video):
                pixels = payload.pixels if isinstance(payload, Image) else payload.frames[0]
                label = f"{record.id} · {item.kind} · {record.split}"
                text = record.prompt or record.caption.dense
                yield Thumbnail(label, text[:_SHOWN], _jpeg(pixels))
                shown += 1
                break


def _jpeg(pixels: "NDArray[np.uint8]") -> str:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()


def _kinds(statistics: Mapping[str, Any]) -> list[list[Any]]:
    fields = ("instances", "conditions", "clips", "mean_seconds", "hours", "prompt_words",
              "caption_words")  # fmt: skip
    rows = [[name, *(row[field] for field in fields)] for name, row in statistics["kinds"].items()]
    conditions = sum(row["conditions"] for row in statistics["kinds"].values())
    total = [
        "all", statistics["records"], conditions, statistics["clips"], None, statistics["hours"],
        statistics["prompt_words"]["mean"], statistics["words"]["mean"],
    ]  # fmt: skip
    return [*rows, total]


def _words(statistics: Mapping[str, Any]) -> list[list[Any]]:
    rows = {"whole caption": statistics["words"], "prompt": statistics["prompt_words"]}
    rows |= statistics["part_words"]
    return [[name, *(row[key] for key in ("mean", "least", "most"))] for name, row in rows.items()]


def _plots(statistics: Mapping[str, Any]) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    _bars(axes[0][0], "Conditions per kind", statistics["conditions"])
    _bars(axes[0][1], "Records per split", statistics["splits"])
    _histogram(axes[1][0], "Words of a caption", statistics["histograms"]["caption"])
    _histogram(axes[1][1], "Words of a prompt", statistics["histograms"]["prompt"])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return base64.b64encode(buffer.getvalue()).decode()


def _bars(axis: "Axes", title: str, counts: Mapping[str, int]) -> None:
    axis.barh(list(counts), list(counts.values()), color="#4477aa")
    axis.set_title(title)
    axis.invert_yaxis()


def _histogram(axis: "Axes", title: str, histogram: Mapping[str, Any]) -> None:
    width, counts = histogram["width"], histogram["counts"]
    places = [width * number for number in range(len(counts))]
    axis.bar(places, counts, width=0.9 * width, align="edge", color="#4477aa")
    axis.set_title(title)
