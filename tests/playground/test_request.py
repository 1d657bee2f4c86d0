"""The request: names, groups of files, the file that keeps it, what is copied from it."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from any2caption.conditions.io.files import read_parts
from any2caption.conditions.types import Part
from any2caption.errors import InputError
from any2caption.playground import snippets
from any2caption.playground.asking import Here
from any2caption.playground.request import Item, Request, grouped, pack, read_options, unpack
from any2caption.playground.shelf import examples

EXAMPLES = Path(__file__).parents[2] / "examples"
DOG = tuple(read_parts(EXAMPLES / "images" / "dog.jpg"))
RED = tuple(read_parts(EXAMPLES / "images" / "red_cartoon.jpg"))
POSE = tuple(read_parts(EXAMPLES / "pose" / "balancing"))
ROOM = tuple(read_parts(EXAMPLES / "depth" / "room.png"))


def request_of_all():
    """A request with a quote in its text, roles, a name and an option."""
    items = (
        Item("image", DOG, "identity", "rex"),
        Item("image", RED, "style"),
        Item("pose", POSE),
        Item("depth", ROOM, options={"scale": "1000"}),
    )
    return Request("@rex's day: a dog waits", items, {"writer": "compose", "length": "long"})


def test_a_name_stands_for_its_condition_and_an_unknown_one_is_refused():
    items = (Item("image", DOG, "identity", "Anna"), Item("image", RED, "identity", "rex"))
    said = Request("@anna meets @REX. @anna waves at @image1, a@b.org", items).said()
    assert said == "Anna of picture 1 meets REX of picture 2. Anna waves at @image1, a@b.org"
    with pytest.raises(InputError, match=r"prompt: @bob is the name of no condition; @anna, @rex"):
        Request("@bob waves", items).said()


def test_only_numbered_files_become_one_condition():
    frames = [Part(f"walk_{n}.json", b"{}") for n in (10, 9, 8)]
    pictures = [Part("a1.png", b""), Part("a2.png", b""), Part("dog.png", b"")]
    names = [[part.name for part in one] for one in grouped([*frames, *pictures])]
    assert names == [["a1.png"], ["a2.png"], ["dog.png"], [f"walk_{n}.json" for n in (8, 9, 10)]]


def test_saved_request_loads_again():
    request = Request(**{**vars_of(request_of_all()), "locked": {"style": "Film."}})
    assert unpack(pack(request)) == request


def vars_of(request):
    """The fields of a request."""
    return {name: getattr(request, name) for name in ("text", "items", "choices", "locked")}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "not a request that was saved here"),
        ({"format": "other"}, "format: 'other' is not"),
        ({"conditions": [{"kind": "text", "files": []}]}, "kind: 'text': no such kind"),
        ({"conditions": [{"kind": "image"}]}, "not a request"),
        ({"choices": {"writer": "god"}}, "writer: 'god' is not known"),
        ({"conditions": 3}, "not a request"),
    ],
)
def test_file_that_is_no_request_is_refused_by_name(document, message):
    data = b"PK no"
    if document is not None:
        whole = json.loads(zipfile.ZipFile(io.BytesIO(pack(Request("a")))).read("request.json"))
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("request.json", json.dumps({**whole, **document}))
        data = buffer.getvalue()
    with pytest.raises(InputError, match=message):
        unpack(data, "mine.zip")


def test_options_are_held_to_the_kind():
    assert read_options("scale = 5000, near=dark", "depth") == {"scale": "5000", "near": "dark"}
    with pytest.raises(InputError, match="options of depth: near, scale"):
        read_options("fps=3", "depth")


def test_every_example_loads_and_can_be_asked():
    shelf = examples(EXAMPLES)
    assert len(shelf) == 6
    for one in shelf:
        request = one.load()
        assert request.items
        assert request.said()
    with Here() as here:
        assert here.ask(shelf[4].load()).caption.main_object


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The folder that a request's file was unpacked into, and what this process answers."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(io.BytesIO(pack(request_of_all()))) as archive:
        archive.extractall(folder)
    with Here() as here:
        return folder, here.ask(request_of_all()).text


def test_copied_command_and_python_give_the_same_caption(unpacked):
    folder, text = unpacked
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    (folder / "ask.py").write_text(snippets.python(request_of_all()))
    for command in (snippets.command(request_of_all()), f"{sys.executable} ask.py"):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == text, done.stderr


def test_copied_grpcurl_says_what_the_client_sends(unpacked):
    from google.protobuf.json_format import ParseDict
    from tritonclient.grpc import service_pb2

    folder, _ = unpacked
    code = f'grpcurl() {{ printf %s "$5"; }}\n{snippets.grpcurl(request_of_all())}'
    done = subprocess.run(
        ["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    asked = ParseDict(json.loads(done.stdout), service_pb2.ModelInferRequest())
    inputs = {one.name: list(one.contents.bytes_contents) for one in asked.inputs}
    request = request_of_all()
    assert inputs.pop("TEXT") == [request.said().encode()]
    assert inputs.pop("WRITER") == [b"compose"]
    assert inputs.pop("LENGTH") == [b"long"]
    for kind, elements in request.elements().items():
        assert inputs.pop(kind.upper()) == [one.data for one in elements]
        told = [json.loads(one) for one in inputs.pop(f"{kind.upper()}_INFO")]
        assert told == [one.info for one in elements]
    assert not inputs


def test_what_was_looked_at_is_not_looked_at_again_but_takes_a_new_name(monkeypatch):
    from any2caption.playground import session as module

    looked = []

    def look(item, number):
        looked.append((item.kind, number))
        return module.Seen(item, number)

    monkeypatch.setattr(module, "look", look)
    visitor = module.Session(
        Request("", (Item("image", DOG), Item("image", RED), Item("pose", POSE)))
    )
    visitor.seen()
    visitor.request = visitor.request.changed(0, Item("image", DOG, name="rex"))
    assert [one.item.name for one in visitor.seen()] == ["rex", "", ""]
    assert looked == [("image", 1), ("image", 2), ("pose", 1)]
    # The second picture is the first now, and its facts are told of picture 1.
    visitor.request = visitor.request.without(0)
    assert [one.word for one in visitor.seen()] == ["picture 1", "pose 1"]
    assert looked[3:] == [("image", 1)]


def test_files_that_no_kind_reads_are_named_and_the_others_added():
    from any2caption.playground.session import Session

    visitor = Session()
    (wrong,) = visitor.add([Part("note.xyz", b"\x00\x01 no kind"), Part("red.jpg", RED[0].data)])
    assert wrong.startswith("note.xyz")
    assert [item.kind for item in visitor.request.items] == ["image"]
