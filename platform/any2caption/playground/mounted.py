"""The page as a web application, in the project's look and without anything from elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from any2caption.playground.app import build
from any2caption.playground.asking import Answerer
from any2caption.playground.compare import Keep
from any2caption.playground.shelf import Example

_FONTS = ["system-ui", "sans-serif"]
_MONO = ["ui-monospace", "monospace"]
_SCRIPT = """() => {
  const name = () => document.querySelectorAll('#mark button:not([aria-label])').forEach((one) =>
    one.setAttribute('aria-label', 'Mark two corners on the picture, or write the region below'));
  new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
  name();
  document.addEventListener('input', ({target}) => {
    const box = target.closest('.turns');
    if (!box) return;
    const [yaw, tilt] = [...box.querySelectorAll('input')].map((one) => one.value * Math.PI / 180);
    const flat = (point) => {
      const [x, y, z] = point.split(' ').map(Number);
      const depth = z * Math.cos(yaw) - x * Math.sin(yaw);
      return [x * Math.cos(yaw) + z * Math.sin(yaw), y * Math.cos(tilt) - depth * Math.sin(tilt)];
    };
    box.querySelectorAll('line').forEach((line) => {
      const [[x1, y1], [x2, y2]] = [flat(line.dataset.a), flat(line.dataset.b)];
      Object.entries({x1, y1, x2, y2}).forEach(([name, at]) => line.setAttribute(name, at));
    });
  });
}"""
"""The picture that corners are marked on is a button, which Gradio gives no name; a path in space
turns with its sliders, as `making.turned.flat` draws it.
"""


def mounted(
    answerers: Sequence[Answerer], shelf: Sequence[Example], folder: Path, keep: Keep
) -> Any:
    """Return the page as an ASGI application."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = build(answerers, shelf, folder, keep)
    blocks.queue(max_size=32, default_concurrency_limit=4)
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="/",
        footer_links=[],
        allowed_paths=[str(folder)],
        show_error=True,
        max_file_size="64mb",
        ssr_mode=False,
        enable_monitoring=False,
        theme=_theme(),
        css_paths=[Path(__file__).with_name("page.css")],
        js=_SCRIPT,
    )


def _theme() -> gr.themes.Base:
    """The system's fonts, and labels that can be read in light and dark."""
    return gr.themes.Soft(font=_FONTS, font_mono=_MONO).set(
        block_title_text_color="*primary_900",
        block_title_text_color_dark="white",
        block_title_background_fill_dark="*primary_800",
        block_label_text_color="*primary_900",
        block_label_text_color_dark="white",
        block_label_background_fill_dark="*primary_800",
        block_info_text_color="*neutral_700",
        block_info_text_color_dark="*neutral_200",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        checkbox_label_background_fill_selected="*primary_700",
        checkbox_label_background_fill_selected_dark="*primary_700",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_300",
        checkbox_border_width="1px",
        input_border_width="1px",
        input_border_color="*neutral_400",
        input_border_color_dark="*neutral_500",
        button_secondary_border_color="*neutral_400",
        button_border_width="1px",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
    )
