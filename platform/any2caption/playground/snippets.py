"""The request as others ask it: the command line, Python, grpcurl. Run beside the unpacked file."""

import json
import shlex
from collections.abc import Iterator

from any2caption.conditions.registry import KINDS
from any2caption.playground.request import Item, Request, document, path_of

_OWN_FLAG = frozenset({"image", "video", "depth", "pose", "motion", "camera"})
_FLAGS = {"generator": "--for"}


def command(request: Request, address: str = "") -> str:
    """Return the request as an `a2c caption`; without an address it is answered locally."""
    words = [["a2c", "caption"], [f"--url={address}"] if address else ["--local"]]
    if request.text:
        words.append([f"--text={request.said()}"])
    options: dict[str, str] = {}
    for place, item in enumerate(request.items):
        role = f":{item.role}" if item.role and item.kind == "image" else ""
        path = _path(place, item) + role
        words.append(
            [f"--{item.kind}", path]
            if item.kind in _OWN_FLAG
            else ["--condition", f"{item.kind}={path}"]
        )
        for name, value in item.options.items():
            options[f"{item.kind}.{name}"] = str(value)
    words += [["--option", f"{name}={value}"] for name, value in options.items()]
    words += [[_FLAGS.get(name, f"--{name}"), value] for name, value in request.choices.items()]
    return " \\\n    ".join(shlex.join(one) for one in words)


def python(request: Request, address: str = "") -> str:
    """Return the request as Python."""
    if address:
        head = "from any2caption.serving.client import CaptionClient, ConditionInput"
        client = f"CaptionClient({address!r})"
    else:
        head = (
            "from any2caption.serving.client import ConditionInput\n"
            "from any2caption.serving.in_process import InProcess"
        )
        client = "InProcess()"
    given: dict[str, list[str]] = {}
    for place, item in enumerate(request.items):
        one = f"ConditionInput(Path({_path(place, item)!r}), {item.role!r}, {dict(item.options)!r})"
        given.setdefault(item.kind, []).append(one)
    lines = [
        "from pathlib import Path",
        "",
        head,
        "",
        "conditions = {",
        *(f"    {kind!r}: [{', '.join(ones)}]," for kind, ones in given.items()),
        "}",
        f"choices = {dict(request.choices)!r}",
        "",
        'if __name__ == "__main__":',
        f"    with {client} as client:",
        f"        answer = client.caption({request.said()!r}, conditions, **choices)",
        "    print(answer.text)",
    ]
    return "\n".join(lines)


def grpcurl(request: Request, address: str = "127.0.0.1:8001") -> str:
    """Return the request as `grpcurl` with Triton's public proto files, for a POSIX shell."""
    inputs = ",\n".join(_tensors(request))
    body = f'{{"model_name": "any2caption", "inputs": [\n{inputs}\n]}}'
    return (
        f"grpcurl -plaintext -proto grpc_service.proto -d '{body}' \\\n"
        f"    {address or '127.0.0.1:8001'} inference.GRPCInferenceService/ModelInfer"
    )


def as_json(request: Request) -> str:
    """Return `request.json` as it stands in the request's file."""
    return json.dumps(document(request), ensure_ascii=False, indent=1)


def _path(place: int, item: Item) -> str:
    """A file, or its folder where loose files of a kind would be taken together."""
    path = path_of(place, item.parts[0])
    together = len(item.parts) > 1 or KINDS[item.kind].joins_parts
    return path.rpartition("/")[0] if together else path


def _tensors(request: Request) -> Iterator[str]:
    if request.text:
        yield _tensor("TEXT", [_words(request.said())])
    data: dict[str, list[str]] = {}
    infos: dict[str, list[str]] = {}
    for place, item in enumerate(request.items):
        for part in item.parts:
            path = shlex.quote(path_of(place, part))
            data.setdefault(item.kind, []).append(f"$(base64 -w0 {path})")
    for kind, elements in request.elements().items():
        infos[kind] = [_words(json.dumps(one.info)) for one in elements]
    for kind, contents in data.items():
        yield _tensor(kind.upper(), contents)
        yield _tensor(f"{kind.upper()}_INFO", infos[kind])
    for name, value in request.choices.items():
        yield _tensor(name.upper(), [_words(value)])


def _words(text: str) -> str:
    return f"$(printf %s {shlex.quote(text)} | base64 -w0)"


def _tensor(name: str, contents: list[str]) -> str:
    """One input; the shell's own quotes are closed around what it fills in."""
    filled = ", ".join(f'"\'"{one}"\'"' for one in contents)
    return (
        f' {{"name": "{name}", "datatype": "BYTES", "shape": ["{len(contents)}"],\n'
        f'  "contents": {{"bytes_contents": [{filled}]}}}}'
    )
