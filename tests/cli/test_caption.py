"""`a2c caption`: an answer in this process before any stack, its papers, its choices."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from typer.testing import CliRunner

from any2caption.captions.schema import PARTS
from any2caption.cli.call import choices
from any2caption.cli.main import app
from any2caption.cli.terminal.explain import explained, summary
from any2caption.conditions.fact import Source
from any2caption.errors import ConfigError, InputError, NotFoundError
from any2caption.grounding.answer import Finding, Grounded, Sentence
from any2caption.serving.client import CaptionResult

EXAMPLES = Path(__file__).parents[2] / "examples"
CAMERA = EXAMPLES / "camera" / "walk_through_kitchen.txt"
TEXT = "Two astronauts repair a solar panel, cinematic."


def run(*arguments):
    result = CliRunner().invoke(app, ["caption", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """No stack, and no server anywhere."""
    monkeypatch.setenv("A2C_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("A2C_TRITON_URL", "127.0.0.1:9")
    return tmp_path


def test_a_caption_needs_no_stack_and_no_model(alone):
    result = run("--local", "--text", TEXT, "--camera", str(CAMERA))
    lines = result.stdout.splitlines()
    assert [line.split(". ")[1].split(":")[0] for line in lines] == list(PARTS.values())
    for word in ("astronauts", "repair", "solar", "panel"):
        assert word in lines[0]
    assert "dollies in" in lines[3]
    assert not (alone / "none").exists()


def test_machines_get_the_papers_too(alone):
    answer = json.loads(run("--local", "--text", TEXT, "--camera", str(CAMERA), "--json").stdout)
    assert answer["writer"] == "compose"
    assert answer["provenance"]["camera"][0]["sources"][0]["input"] == "camera 1"
    assert {"findings", "conflicts", "invented", "notes", "milliseconds"} <= set(answer)
    assert "release" not in answer


def test_people_see_where_each_sentence_comes_from(alone):
    shown = run("--local", "--text", TEXT, "--camera", str(CAMERA), "--explain").stdout
    assert "writer: composed from the facts of the request" in shown
    assert "[camera 1, frames 0–15]" in shown
    assert "milliseconds: " in shown


def test_length_and_mode_reach_the_writer(alone):
    pose = ("--pose", str(EXAMPLES / "pose" / "balancing"))
    short, long = (
        run("--local", "--text", TEXT, *pose, "--length", length).stdout
        for length in ("short", "long")
    )
    assert short != long
    answer = json.loads(run("--local", "--text", "a dog", "--mode", "off", "--json").stdout)
    assert answer["options"]["mode"] == "off"


def test_a_caption_made_here_can_be_rendered_here(alone):
    video = alone / "deep" / "out.mp4"
    run("--local", "--text", "A red ball.", "--video-out", str(video))
    assert b"ftyp" in video.read_bytes()[:16]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("--writer", "poet"), InputError, "writer: 'poet' is not known; choose auto, compose"),
        (("--mode", "x"), InputError, "mode: 'x' is not known; choose off, fill, rewrite"),
        (("--local", "--writer", "model"), ConfigError, "--writer model: .* --bundle DIR"),
        (("--local", "--bundle", "none"), NotFoundError, "none: not a model bundle"),
        (("--bundle", "x"), ConfigError, "--bundle goes with --local"),
        (("--local", "--url", "x:1"), ConfigError, "leave out --url"),
        (("--local", "--video-out", "x.gif"), InputError, r"\.mp4"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(alone, arguments, error, said):
    with pytest.raises(error, match=said) as caught:
        run("--text", "a dog", *arguments)
    assert "\n" not in str(caught.value)


def test_bad_files_are_named_as_by_the_server(alone):
    file = alone / "path.txt"
    file.write_text("no camera at all")
    with pytest.raises(InputError, match=r"path\.txt"):
        run("--local", "--camera", str(file))
    with pytest.raises(InputError, match="give a text or at least one condition"):
        run("--local")


def test_only_what_was_chosen_is_asked():
    assert choices(writer="", mode="off", length="", policy="") == {"mode": "off"}


def result(**papers):
    parts = dict.fromkeys(PARTS, (Sentence("It rains.", (Source("text"),)),))
    grounded = Grounded(**{"parts": parts, "writer": "model", **papers})
    return CaptionResult(grounded.caption, "text", grounded.as_info())


def test_what_the_check_did_is_told_sentence_by_sentence():
    camera = Sentence("The camera pans right.", (Source("camera 1", frames=(0, 9)),), "repaired")
    style = Sentence("Natural light.", (), "invented")
    parts = dict.fromkeys(PARTS, (Sentence("It rains.", (Source("text"),)),))
    answer = result(
        parts={**parts, "camera": (camera,), "style": (style,)},
        findings=(
            Finding(
                "camera",
                "contradicted",
                "camera 1 pans right",
                "The camera pans left.",
                "The camera pans right.",
            ),
        ),
        conflicts=("the text asks for a pan left; camera 1 pans right: camera 1 was followed",),
        notes=("what picture 1 shows was not looked at",),
    )
    shown = explained(answer)
    assert "  The camera pans right.  [repaired: camera 1, frames 0–9]" in shown
    assert "  Natural light.  [invented]" in shown
    assert "  It rains.  [text]" in shown
    assert "camera, contradicted: camera 1 pans right" in shown
    assert "was: The camera pans left." in shown
    assert "camera 1 was followed" in shown
    told = list(summary(answer))
    assert "repaired: 1 of 6 sentences; --explain shows them" in told
    assert "invented: 1 of 6 sentences; --explain shows them" in told
    assert any(line.startswith("conflict: the text asks") for line in told)
    assert any(line.startswith("note: what picture 1") for line in told)


def test_where_nothing_was_changed_there_is_nothing_to_tell():
    assert list(summary(result())) == []


def test_an_answer_without_papers_is_shown_all_the_same():
    bare = CaptionResult(result().caption, "text", {"release": 3})
    assert list(summary(bare)) == []
    assert explained(bare).startswith("writer: ")


def write_tokenizer(folder):
    """A tokenizer.json that counts words."""
    words = Tokenizer(models.WordLevel({"?": 0}, "?"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(folder / "tokenizer.json"))
    return folder


def test_the_prompt_of_a_named_generator_follows_the_caption(alone):
    result = run("--local", "--text", TEXT, "--camera", str(CAMERA), "--for", "minimax")
    assert "Prompt for minimax" in result.stdout
    assert "[Push in, Truck left, Pan right] [Pan left]" in result.stdout
    assert "in words only: camera" in result.stdout


def test_a_generators_own_tokenizer_counts_where_its_folder_is_given(alone, tmp_path):
    folder = str(write_tokenizer(tmp_path))
    asked = ("--local", "--text", TEXT, "--for", "wan", "--tokenizer", folder, "--json")
    prompt = json.loads(run(*asked).stdout)["prompt"]
    assert prompt["counted"] == "tokenizer"
    assert prompt["tokens"] == len(prompt["prompt"].split()) + 1


def test_a_tokenizer_needs_a_generator_and_a_file(alone, tmp_path):
    with pytest.raises(ConfigError, match="name one with --for"):
        run("--local", "--text", TEXT, "--tokenizer", str(write_tokenizer(tmp_path)))
    with pytest.raises(NotFoundError, match=r"no tokenizer\.json"):
        run("--local", "--text", TEXT, "--for", "wan", "--tokenizer", str(tmp_path / "none"))


def test_a_broken_tokenizer_is_named(alone, tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"tokenizer\.json: not a tokenizer"):
        run("--local", "--text", TEXT, "--for", "wan", "--tokenizer", str(tmp_path))


def test_an_unknown_generator_is_refused_with_the_list(alone):
    with pytest.raises(InputError, match=r"'sora' is not known; choose none, cogvideox, wan"):
        run("--local", "--text", TEXT, "--for", "sora")
