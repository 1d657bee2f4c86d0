"""Which extra of the package brings a module that is not installed."""

import re
from functools import cache
from importlib import metadata

PACKAGE = "any2caption-platform"
_PACKAGE_OF = {
    "airflow": "apache-airflow",
    "botocore": "boto3",
    "cv2": "opencv-python-headless",
    "fastapi": "gradio",
    "kubernetes": "apache-airflow-providers-cncf-kubernetes",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "requests": "mlflow",
    "rouge_score": "rouge-score",
    "urllib3": "boto3",
    "uvicorn": "gradio",
    "yaml": "apache-airflow",
}
"""Modules whose package has another name."""


def missing_extra(error: ImportError) -> str | None:
    """Return the line that says what to install, or None where no extra brings it."""
    module = (error.name or "").partition(".")[0]
    found = extras_of(module)
    if not found:
        return None
    others = f" (also in {', '.join(found[1:])})" if found[1:] else ""
    return (
        f"needs {module}, which is not installed: pip install '{PACKAGE}[{found[0]}]'{others}, "
        "or `make setup` in a clone"
    )


def extras_of(module: str) -> list[str]:
    """Return the extras that bring a top-level module, in the order of `pyproject.toml`."""
    name = _plain(_PACKAGE_OF.get(module, module))
    return [extra for extra, packages in _extras().items() if name in packages]


@cache
def _extras() -> dict[str, frozenset[str]]:
    try:
        about = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, set[str]] = {
        extra: set() for extra in about.get_all("Provides-Extra") or () if extra != "dev"
    }
    for line in about.get_all("Requires-Dist") or ():
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)", line)
        name = re.match(r"[\w.-]+", line)
        if extra and name and extra[1] in found:
            found[extra[1]].add(_plain(name[0]))
    return {extra: frozenset(packages) for extra, packages in found.items()}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
