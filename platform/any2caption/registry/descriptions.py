"""A card as the description of a run or a version in MLflow, which takes so many characters."""

from collections.abc import Mapping

_MOST = 4_900


def described(card: str, links: Mapping[str, str] | None = None) -> str:
    """Return a card without its front matter, behind links; cut after a section where too long."""
    text = card.partition("\n---\n")[2].strip() if card.startswith("---\n") else card
    if links:
        first = " · ".join(f"[{name}]({url})" if "://" in url else f"{name} `{url}`"
                           for name, url in links.items() if url)  # fmt: skip
        text = f"{first}\n\n{text}"
    if len(text) <= _MOST:
        return text
    rest = "\n\nThe whole card is among the artifacts."
    head = text[: _MOST - len(rest)]
    return head[: head.rfind("\n## ")].rstrip() + rest
