"""Clips with captions lie in a folder exactly as each trainer reads it."""

import json
import tomllib

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from any2caption.annotation.export.run import run_export
from any2caption.annotation.export.trainers import Captioned, buckets
from any2caption.annotation.plan import Plan
from any2caption.annotation.run import run_annotation
from any2caption.captions.schema import StructuredCaption
from any2caption.cli.annotate import annotate
from any2caption.datasets.records import MediaObject, Record, RecordCondition
from any2caption.datasets.snapshots import publish
from any2caption.errors import ConfigError, InputError
from any2caption.settings import Settings
from any2caption.storage import open_store, put_content

CAPTION = StructuredCaption(
    dense="A red ball rolls over grass.",
    main_object="The ball is red and small.",
    background="The grass is short. Seven old oak trees with broad crowns stand behind it. "
    "A low wall of grey stones runs along a narrow road. Far hills are blue in the haze.",
    camera="The camera pans left.",
    style="It looks like a film.",
    action="The ball rolls slowly and stops.",
)


def clip(path, frames=10, side=(64, 48)):
    """Write an MP4 of so many frames."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("h264", rate=8)
        track.width, track.height, track.pix_fmt = *side, "yuv420p"
        for shade in range(frames):
            pixels = np.full((side[1], side[0], 3), 15 * shade, np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(track.encode())
    return path


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def snapshot(settings, tmp_path):
    """Two records with a clip (10 and 14 frames), one with two clips, one without any."""
    store = open_store(settings.object_store)

    def video(frames, number=1):
        data = clip(tmp_path / "made.mp4", frames).read_bytes()
        part = MediaObject(name="made.mp4", sha256=put_content(store, data), size=len(data))
        return RecordCondition(kind="video", number=number, format="MP4", parts=(part,),
                               frames=frames)  # fmt: skip

    made = {
        "a/1": ("train", (video(10),)),
        "a 1": ("test", (video(14),)),
        "two": ("train", (video(10), video(14, 2))),
        "none": ("train", ()),
    }
    kept = {"source": "us", "licence": "CC0-1.0", "prompt": "a ball", "caption": CAPTION}
    records = [
        Record(id=name, split=split, conditions=conditions, **kept)
        for name, (split, conditions) in made.items()
    ]
    return publish(store, records).id


def files(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def stems(out):
    return {json.loads(line)["record"]: json.loads(line)["file"] for line in lines(out)}


def lines(out):
    return (out / "records.jsonl").read_text().splitlines()


def test_musubi_tuner_finds_a_text_beside_each_clip_and_its_settings(settings, snapshot, tmp_path):
    out = tmp_path / "out"
    done = run_export(settings, snapshot, out, trainer="musubi-tuner")
    assert done["clips"] == 2
    named = stems(out)
    assert files(out) == sorted(
        ["dataset.toml", "records.jsonl", *named.values()]
        + [one.replace(".mp4", ".txt") for one in named.values()]
    )
    assert len(set(named.values())) == 2  # ids that differ in what no file name may hold
    config = tomllib.loads((out / "dataset.toml").read_text())
    assert config["general"] == {
        "resolution": [64, 48],
        "caption_extension": ".txt",
        "batch_size": 1,
        "enable_bucket": True,
        "bucket_no_upscale": True,
    }
    assert config["datasets"] == [
        {
            "video_directory": str(out / "clips"),
            "cache_directory": str(out / "cache"),
            "target_frames": [9],  # 4n + 1, which the shortest clip of 10 has
            "frame_extraction": "head",
        }
    ]
    text = (out / named["a/1"]).with_suffix(".txt").read_text()
    assert text.startswith("A red ball rolls over grass. The ball is red and small.")
    assert "The camera pans left." in text


def test_diffusion_pipe_finds_nothing_but_clips_and_texts(settings, snapshot, tmp_path):
    out = tmp_path / "out"
    run_export(settings, snapshot, out, trainer="diffusion-pipe")
    assert {path.suffix for path in (out / "clips").iterdir()} == {".mp4", ".txt"}
    config = tomllib.loads((out / "dataset.toml").read_text())
    assert config["directory"] == [{"path": str(out / "clips"), "num_repeats": 1}]
    assert config["frame_buckets"] == [1, 9]
    assert config["resolutions"] == [[64, 48]]
    assert config["enable_ar_bucket"] is True


def test_finetrainers_finds_one_metadata_file_and_no_texts(settings, snapshot, tmp_path):
    out = tmp_path / "out"
    run_export(settings, snapshot, out, trainer="finetrainers")
    clips = out / "clips"
    assert {path.suffix for path in clips.iterdir()} == {".mp4", ".jsonl"}
    rows = [json.loads(line) for line in (clips / "metadata.jsonl").read_text().splitlines()]
    assert all(set(row) == {"file_name", "caption"} for row in rows)
    assert {row["file_name"] for row in rows} == {path.name for path in clips.glob("*.mp4")}
    config = json.loads((out / "training.json").read_text())["datasets"]
    assert config == [
        {
            "data_root": str(clips),
            "dataset_type": "video",
            "video_resolution_buckets": [[9, 48, 64]],
            "reshape_mode": "bicubic",
            "remove_common_llm_caption_prefixes": False,
        }
    ]


def test_what_has_no_single_clip_is_counted_by_reason(settings, snapshot, tmp_path):
    done = run_export(settings, snapshot, tmp_path / "out", trainer="musubi-tuner")
    assert done["left_out"] == {
        "it has 2 clips: which of them the caption describes is not known": 1,
        "it has no clip": 1,
    }
    with pytest.raises(InputError, match="no clip for finetrainers: 1 × it has no clip"):
        run_export(settings, _empty(settings), tmp_path / "no", trainer="finetrainers")
    assert not (tmp_path / "no").exists()


def _empty(settings):
    kept = {"source": "us", "licence": "CC0-1.0", "prompt": "a ball", "caption": CAPTION}
    record = Record(id="none", split="train", conditions=(), **kept)
    return publish(open_store(settings.object_store), [record]).id


def test_a_split_a_dialect_and_a_length_are_heeded(settings, snapshot, tmp_path):
    out = tmp_path / "out"
    done = run_export(
        settings, snapshot, out, trainer="finetrainers", dialect="cosmos3", split="test"
    )
    assert done["clips"] == 1
    row = json.loads((out / "clips" / "metadata.jsonl").read_text())
    assert json.loads(row["caption"])["cinematography"] == {"camera_motion": CAPTION.camera}
    short = run_export(
        settings, snapshot, out, trainer="musubi-tuner", length="short", dialect="clip"
    )
    assert short["shortened"] == 2
    dropped = json.loads(lines(out)[0])["dropped"]
    assert dropped
    text = (out / json.loads(lines(out)[0])["file"]).with_suffix(".txt").read_text()
    for one in dropped:
        assert one.partition(": ")[2] not in text
    with pytest.raises(ConfigError, match="one JSON object and has no length 'short'"):
        run_export(settings, snapshot, out, trainer="musubi-tuner", dialect="cosmos3",
                   length="short")  # fmt: skip


def test_links_hold_no_second_copy_and_a_former_export_is_replaced(settings, snapshot, tmp_path):
    out = tmp_path / "out"
    run_export(settings, snapshot, out, trainer="musubi-tuner", split="test")
    (out / "cache").mkdir()
    run_export(settings, snapshot, out, trainer="musubi-tuner", link=True)
    clips = sorted((out / "clips").glob("*.mp4"))
    assert len(clips) == 2
    assert all(path.is_symlink() and path.read_bytes() for path in clips)
    assert not (out / "cache").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds something that is no export"):
        run_export(settings, snapshot, tmp_path / "mine", trainer="musubi-tuner")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_an_annotation_runs_captions_go_to_the_clips_that_its_source_named(
    settings, tmp_path, monkeypatch
):
    source = tmp_path / "source"
    source.mkdir()
    clip(source / "shot.mp4")
    (source / "prompt.txt").write_text("a ball")
    line = {
        "id": "shot",
        "source": "us",
        "licence": "CC-BY-4.0",
        "prompt": "A red ball rolls over the grass.",
        "target": ["shot.mp4"],
    }
    (source / "manifest.jsonl").write_text(json.dumps(line))
    run = run_annotation(settings, Plan(source=source.as_uri()))
    monkeypatch.setenv("A2C_HOME", str(settings.home))
    out = tmp_path / "out"
    done = CliRunner().invoke(
        annotate,
        ["export", run["key"], "--for", "diffusion-pipe", "--out", str(out)],
    )
    assert done.exit_code == 0, done.output
    assert "1 clips with captions for diffusion-pipe" in done.output
    assert (out / "clips" / "shot.mp4").read_bytes() == (source / "shot.mp4").read_bytes()
    assert "ball" in (out / "clips" / "shot.txt").read_text()
    assert json.loads(lines(out)[0])["licence"] == "CC-BY-4.0"
    with pytest.raises(ConfigError, match="has no splits"):
        run_export(settings, run["key"], out, trainer="diffusion-pipe", split="train")
    with pytest.raises(InputError, match="no six-part caption"):
        run_export(settings, source.as_uri(), out, trainer="diffusion-pipe")


def test_an_unreadable_clip_is_left_out_and_unknown_names_are_refused(settings, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    whole = clip(source / "whole.mp4").read_bytes()
    (source / "cut.mp4").write_bytes(whole[:200])
    (source / "still.gif").write_bytes(b"GIF89a" + bytes(40))
    rows = [
        {
            "id": name,
            "source": "us",
            "licence": "MIT",
            "conditions": [{"kind": "video", "paths": [name]}],
            "caption": CAPTION.model_dump(),
        }
        for name in ("whole.mp4", "cut.mp4", "still.gif", "gone.mp4")
    ]
    (source / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = run_export(settings, source.as_uri(), tmp_path / "out", trainer="finetrainers")
    assert done["left_out"] == {
        "its clip can't be read": 1,
        "finetrainers takes no GIF": 1,
        "its clip is missing": 1,
    }
    assert files(tmp_path / "out" / "clips") == ["metadata.jsonl", "whole_mp4.mp4"]
    for options, said in (({"trainer": "sd"}, "musubi-tuner"), ({"length": "huge"}, "short")):
        with pytest.raises(ConfigError, match=said):
            run_export(settings, source.as_uri(), tmp_path / "out",
                       **{"trainer": "finetrainers"} | options)  # fmt: skip


def test_buckets_fit_the_shortest_clip_and_the_commonest_size():
    def made(width, height, frames):
        return Captioned("a.mp4", "a", width, height, frames)

    assert buckets([made(1280, 720, 200), made(1280, 720, 90), made(64, 64, 0)]) == (1280, 720, 81)
    assert buckets([made(850, 480, 33)]) == (848, 480, 33)
    assert buckets([made(10, 10, 2)]) == (16, 16, 1)
