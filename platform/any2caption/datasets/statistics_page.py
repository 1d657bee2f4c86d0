"""A snapshot's statistics as one HTML file: the paper's table, plots and thumbnails embedded."""

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from any2caption.datasets.records import Record
from any2caption.errors import A2CError
from any2caption.storage import ObjectStore

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

THUMBNAILS = 24
_SIDE = 160  # pixels
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{padding:.25rem .8rem;"
    "text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}"
    ".pictures{display:flex;flex-wrap:wrap;gap:.8rem}figure{margin:0;width:170px;font-size:12px}"
    "img{max-width:100%}code{word-break:break-all}"
)


def page(identity: str, statistics: Mapping[str, Any], thumbnails: Iterable[str] = ()) -> str:
    """Return the page; `thumbnails` are figures as HTML."""
    figures = "".join(thumbnails)
    pictures = f"<h2>Samples</h2><div class=pictures>{figures}</div>" if figures else ""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Snapshot {escape(identity[:12])}"
        f"</title><style>{_STYLE}</style><h1>Snapshot</h1><p><code>{escape(identity)}</code></p>"
        f"<h2>Conditions</h2>{_kinds(statistics)}<h2>Captions, in words</h2>{_parts(statistics)}"
        f"{_camera(statistics)}<h2>Licences and sources</h2>{_counts(statistics, 'licences')}"
        f"{_counts(statistics, 'sources')}<h2>Plots</h2>"
        f'<img alt="plots" src="data:image/png;base64,{_plots(statistics)}">{pictures}</html>'
    )


def thumbnails(
    store: ObjectStore, records: Iterable[Record], count: int = THUMBNAILS
) -> Iterator[str]:
    """Yield figures of the first `count` records that have a picture or a clip.

    A condition that cannot be loaded is shown as such: a page is no place to fail.
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
                yield f"<figure>{escape(str(error))}</figure>"
                break
            if isinstance(payload, Image | Video):
                pixels = payload.pixels if isinstance(payload, Image) else payload.frames[0]
                label = f"{record.id} · {item.kind} · {record.split}"
                yield _figure(pixels, label, record.prompt or record.caption.dense)
                shown += 1
                break


def _figure(pixels: "NDArray[np.uint8]", label: str, text: str) -> str:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure><img alt="{escape(label)}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption><b>{escape(label)}</b><br>{escape(text[:140])}</figcaption></figure>"
    )


def _kinds(statistics: Mapping[str, Any]) -> str:
    heads = ("kind", "instances", "conditions", "clips of known length", "mean s", "hours",
             "prompt words", "caption words")  # fmt: skip
    fields = ("instances", "conditions", "clips", "mean_seconds", "hours", "prompt_words",
              "caption_words")  # fmt: skip
    rows = [
        [name, *(_number(row[field]) for field in fields)]
        for name, row in statistics["kinds"].items()
    ]
    conditions = sum(row["conditions"] for row in statistics["kinds"].values())
    total = [
        "all", _number(statistics["records"]), _number(conditions), _number(statistics["clips"]),
        "", _number(statistics["hours"]), _number(statistics["prompt_words"]["mean"]),
        _number(statistics["words"]["mean"]),
    ]  # fmt: skip
    return _table(heads, [*rows, total])


def _parts(statistics: Mapping[str, Any]) -> str:
    rows = {"whole caption": statistics["words"], "prompt": statistics["prompt_words"]}
    rows.update(statistics["part_words"])
    return _table(
        ("part", "mean", "least", "most"),
        [[name, *(_number(row[key]) for key in ("mean", "least", "most"))]
         for name, row in rows.items()],
    )  # fmt: skip


def _camera(statistics: Mapping[str, Any]) -> str:
    """Texts beside the geometry of their camera paths; older snapshots have no such figures."""
    found = statistics.get("camera_language")
    if not found or not found["compared"]:
        return ""
    rows = [
        [*(", ".join(group[side]) for side in ("says", "shows")), _number(group["records"]),
         ", ".join(group["examples"])]
        for group in found["disagreements"]
    ]  # fmt: skip
    table = _table(("the text says", "the path shows", "records", "for example"), rows)
    return (
        f"<h2>Camera</h2><p>{_number(found['agree'])} of {_number(found['compared'])} texts agree "
        f"with the geometry of their camera path ({found['share']:.1%}).</p>{table if rows else ''}"
    )


def _counts(statistics: Mapping[str, Any], name: str) -> str:
    rows = [[key, _number(count)] for key, count in statistics[name].items()]
    return _table((name, "records"), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(text)}" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}' for cell in row)}" for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


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
