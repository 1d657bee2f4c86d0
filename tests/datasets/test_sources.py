"""Manifests in three formats and plain folders give the same records; the rest is refused."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from any2caption.datasets.ingest import ingest
from any2caption.datasets.ingest.engine import IngestOptions
from any2caption.datasets.ingest.open_source import SourceOptions, open_source
from any2caption.datasets.ingest.source_records import Accepted, Rules, read_records
from any2caption.datasets.licences import DEFAULT_LICENCES
from any2caption.errors import A2CError, GateRefused, InputError
from any2caption.storage.folder import FolderStore
from any2caption.storage.memory import MemoryStore

from .builders import caption, read_manifest, write_corpus, write_manifest

DATA = Path(__file__).parents[1] / "data"
PICTURE = (DATA / "depth" / "rainbow_sheep.png").read_bytes()
SCRIBBLE = (DATA / "sketch" / "bag_scribble.png").read_bytes()
CLIP = (DATA / "video" / "hiker.mp4").read_bytes()
CAMERA = (DATA / "camera" / "2f25826f0d0ef09a.txt").read_bytes()
STATED = SourceOptions(licence="MIT", source="unit")


@pytest.fixture(scope="module")
def corpus():
    store = MemoryStore("corpus")
    write_corpus(store)
    return store


def run(store, options=None, **changes):
    chosen = IngestOptions(
        source=options or SourceOptions(), licences=DEFAULT_LICENCES, **changes.pop("extra", {})
    )
    return ingest(store, "src", MemoryStore(), workers=1, options=chosen,
                  **{"threshold": 0.0, **changes})  # fmt: skip


def copy(corpus):
    store = MemoryStore("copy")
    for info in corpus.list():
        store.put(info.key, corpus.get(info.key))
    return store


def with_manifest(corpus, name, data):
    store = copy(corpus)
    store.delete("src/manifest.jsonl")
    store.put(f"src/{name}", data)
    return store


def as_csv(lines, bom=b"", end="\r\n"):
    buffer = io.StringIO(newline="")
    names = ["id", "source", "licence", "prompt", "conditions", "caption", "qa", "synthetic"]
    writer = csv.DictWriter(buffer, names, extrasaction="ignore", lineterminator=end)
    writer.writeheader()
    for line in lines:
        cells = {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in line.items()}
        writer.writerow(cells)
    return bom + buffer.getvalue().encode()


def as_parquet(lines):
    rows = []
    for line in lines:
        row = {k: v for k, v in line.items() if k not in {"caption", "conditions", "qa"}}
        row |= {f"caption_{part}": text for part, text in line["caption"].items()}
        row["conditions"] = [
            {**item, "options": json.dumps(item.get("options", {}))}
            for item in line.get("conditions", [])
        ]
        row["qa"] = json.dumps(line.get("qa", []))
        rows.append(row)
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def test_jsonl_parquet_and_csv_give_the_same_records(corpus):
    lines = read_manifest(corpus)
    expected = run(corpus)
    for name, data in (
        ("manifest.parquet", as_parquet(lines)),
        ("manifest.csv", as_csv(lines)),
        ("manifest.csv", as_csv(lines, b"\xef\xbb\xbf", "\n").rstrip(b"\n")),
    ):
        found = run(with_manifest(corpus, name, data))
        assert found.format == name.rpartition(".")[2]
        assert found.records == expected.records


def test_a_parquet_manifest_may_nest_the_caption(corpus):
    names = ("id", "source", "licence", "prompt", "caption")
    rows = [{name: line[name] for name in names} for line in read_manifest(corpus)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    result = run(folder({"manifest.parquet": sink.getvalue()}), threshold=0.5)
    assert result.rejected == result.leaks
    assert result.records[0].caption.model_dump() == rows[0]["caption"]


def test_stated_parts_come_from_every_format(tmp_path):
    row = {"id": "r1", "source": "unit", "licence": "MIT", "prompt": "a fox"}
    parts = {"dense": "A red fox runs.", "camera": "It pans left."}
    table = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{**row, "caption_parts": parts}]), table)
    cells = io.StringIO(newline="")
    writer = csv.writer(cells)
    writer.writerows([[*row, "caption_parts"], [*row.values(), json.dumps(parts)]])
    for name, data in (
        ("manifest.jsonl", json.dumps({**row, "caption_parts": parts})),
        ("manifest.csv", cells.getvalue()),
        ("manifest.parquet", table.getvalue()),
    ):
        opened = open_source(folder({name: data}), "src", tmp_path, SourceOptions())
        (item,) = read_records(opened.items(), Rules(opened.kinds, captions=False))
        assert isinstance(item, Accepted), (name, item)
        assert item.record.caption_parts == parts


def test_bom_crlf_and_a_missing_last_newline_change_nothing(corpus):
    raw = corpus.get("src/manifest.jsonl").strip().replace(b"\n", b"\r\n")
    store = with_manifest(corpus, "manifest.jsonl", b"\xef\xbb\xbf" + raw)
    assert run(store).records == run(corpus).records


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("manifest.jsonl", '{"id": "é"}'.encode("utf-16"), "UTF-16"),
        ("manifest.csv", b"id,colour\n1,red\n", "colour: unknown column; known: id"),
        ("manifest.csv", b"id,id\n1,2\n", "id: the column is there twice"),
        ("manifest.csv", b'id,prompt\n1,"open\n', "no CSV"),
        ("manifest.parquet", b"PAR1 nonsense", "no readable Parquet file"),
        ("manifest.parquet", b"", "no readable Parquet file"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused_in_one_line(corpus, name, data, reason):
    with pytest.raises(InputError, match=reason) as caught:
        run(with_manifest(corpus, name, data))
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_two_manifests_are_refused(corpus):
    store = copy(corpus)
    store.put("src/manifest.csv", b"id\n")
    with pytest.raises(InputError, match="both there; keep one"):
        run(store)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"licence": "CC-BY-NC-4.0"}, "licence: licence 'CC-BY-NC-4.0' is not allowed"),
        ({"licence": ""}, "licence: Field required"),
        ({"source": "  "}, "source: "),
        ({"conditions": "{"}, "conditions: no JSON"),
        ({"caption": "[1]"}, "caption: "),
        ({"prompt": "a\ud800b"}, "not UTF-8"),
    ],
)
def test_bad_cells_are_quarantined_with_their_field(corpus, cells, problem):
    lines = read_manifest(corpus)
    lines[1] = {**lines[1], **cells}
    header = as_csv([]).decode().strip().split(",")
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, extrasaction="ignore")
    writer.writeheader()
    for line in lines:
        writer.writerow(
            {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in line.items()}
        )
    raw = text.getvalue().encode("utf-8", "surrogatepass")
    with pytest.raises(GateRefused, match=problem.replace("(", r"\(")):
        run(with_manifest(corpus, "manifest.csv", raw))


def test_nan_twin_keys_and_infinite_options_are_quarantined(corpus):
    lines = read_manifest(corpus)
    store = copy(corpus)
    bad = [
        json.dumps(lines[0]).replace('"id"', '"synthetic": NaN, "id"', 1),
        json.dumps(lines[1]).replace('"id"', '"id": "x", "id"', 1),
        *lines[2:],
    ]
    write_manifest(store, bad)
    result = run(store, threshold=0.9)
    assert result.rejected == 2
    assert len(result.records) == len(lines) - 2


def test_symbolic_links_are_not_followed(corpus, tmp_path):
    store = FolderStore(tmp_path / "s")
    for info in corpus.list():
        store.put(info.key, corpus.get(info.key))
    lines = read_manifest(corpus)
    path = next(line["conditions"][0]["paths"][0] for line in lines if line.get("conditions"))
    target = tmp_path / "s" / "src" / path
    (tmp_path / "secret").write_bytes(target.read_bytes())
    target.unlink()
    target.symlink_to(tmp_path / "secret")
    with pytest.raises(GateRefused, match="symbolic link; links are not followed"):
        run(store)


def folder(files):
    store = MemoryStore("plain")
    for path, content in files.items():
        store.put(f"src/{path}", content if isinstance(content, bytes) else content.encode())
    return store


SHAPES = {
    "table": {"metadata.csv": 'video,caption\n"v/a.mp4","""A hiker"", he"\n', "v/a.mp4": CLIP},
    "fields": {
        "list.txt": "one@@A sheep@@assets/a.png@@b.png\n",
        "a.png": PICTURE,
        "b.png": PICTURE,
    },
    "lists": {"prompts.txt": "A hiker", "videos.txt": "v/a.mp4\r\n", "v/a.mp4": CLIP},
    "sidecars": {"a.PNG": PICTURE, "a.txt": "a sheep\n", "b.png": PICTURE, "b.txt": "two"},
    "samples": {"x/prompt.json": '{"prompt": "羊", "image_ref1": "./a.png"}', "x/a.png": PICTURE},
    "order": {"c.json": '{"prompts": ["one"]}', "path.txt": CAMERA},
    "subjects": {
        "d/prompts_and_classes.txt": (
            "Classes\n\nsubject_name,class\ndog6,dog\nrc_car,toy\nvase,vase\n\nObject Prompts\n"
            "'a {0} {1} in the snow'.format(unique_token, class_token),\n\nLive Subject Prompts\n"
            "'a {0} {1} wearing a hat'.format(unique_token, class_token)\n"
        ),
        "d/references_and_licenses.txt": "dog6 by somebody",
        "d/dog6/00.png": PICTURE,
        "d/dog6/01.png": PICTURE,
        "d/rc_car/02.png": PICTURE,
    },
    "prompts": {"color.txt": "a red car\r\na blue car"},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_plain_folders_is_known_by_its_content(shape, tmp_path):
    opened = open_source(folder(SHAPES[shape]), "src", tmp_path, STATED)
    assert opened.format == shape
    result = run(folder(SHAPES[shape]), STATED)
    assert result.pending == opened.count >= 1
    assert result.rejected == 0


def test_a_caption_of_texts_by_name_beside_its_path_is_one_sample():
    texts = {
        "Movement": "The camera moves right.",
        "Detailed Interaction": "It pans left over a cup and a notebook.",
        "Concise Interaction": "It pans left.",
    }
    caption_file = json.dumps(texts)
    path = (DATA / "camera" / "gendop.json").read_bytes()
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    files = {"case1/case1_caption.json": caption_file, "case1/case1_transforms.json": path}
    result = ingest(folder(files), "src", kept, workers=1, options=options)
    (waiting,) = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    assert (result.format, waiting["prompt"]) == ("samples", "It pans left.")
    assert waiting["conditions"][0]["kind"] == "camera"
    assert waiting["caption_parts"] == {
        "camera": texts["Movement"],
        "dense": texts["Detailed Interaction"],
    }


@pytest.mark.parametrize("name", ["gendop.json", "motionctrl.json", "recammaster.json"])
def test_a_camera_path_in_json_is_known_by_its_poses_whatever_its_name(name):
    path = (DATA / "camera" / name).read_bytes()
    other = json.dumps({"transforms": ["resize", "flip"], "size": "256"})
    files = {"case1/prompt.txt": "It pans left.", "case1/p.json": path, "transforms.json": other}
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    result = ingest(folder(files), "src", kept, workers=1, options=options)
    (waiting,) = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    (condition,) = waiting["conditions"]
    assert (condition["kind"], condition["paths"]) == ("camera", ["case1/p.json"])


def test_texts_by_name_are_a_table_only_where_a_name_is_a_file():
    settings = json.dumps({"sampler": "ddim", "prompt_file": "prompts.txt"})
    result = run(folder({"settings.json": settings, "a.png": PICTURE}), STATED)
    assert (result.format, result.pending, result.rejected) == ("files", 1, 0)
    captions = json.dumps({"a.png": "a sheep", "b.png": "not in this excerpt"})
    with pytest.raises(GateRefused, match=r"1 of 2 records.*b\.png"):
        run(folder({"captions.json": captions, "a.png": PICTURE}), STATED)
    several = {"depth/a.png": PICTURE, "rgb/a.png": PICTURE, "canny/a.png": SCRIBBLE}
    opened = run(folder({**several, "t.json": json.dumps({"a.png": "a sheep"})}), STATED)
    assert (opened.format, opened.pending) == ("table", 1)


def test_lines_of_two_numbers_are_a_track_and_not_a_camera_path():
    track = "88, 173\n89, 173\n91, 173\n94, 171\n99, 170\n"
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    files = {"curve.txt": track, "walk.txt": CAMERA, "camera/shake.txt": track}
    result = ingest(folder(files), "src", kept, workers=1, options=options)
    waiting = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    found = {line["id"]: line["conditions"][0]["kind"] for line in waiting}
    assert found == {"curve": "motion", "shake": "motion", "walk": "camera"}


def test_samples_of_one_folder_are_told_apart_by_their_names():
    path = (DATA / "camera" / "gendop.json").read_bytes()
    files = {
        "1_0000/shot_0070_caption.json": '{"Concise Interaction": "It pans left."}',
        "1_0000/shot_0070_transforms_cleaning.json": path,
        "1_0000/shot_0070_rgb.png": PICTURE,
        "1_0000/shot_0112_caption.json": '{"Concise Interaction": "It stands still."}',
        "1_0000/shot_0112_transforms_cleaning.json": path,
        "1_0000/shot_0200_caption.json": '{"Concise Interaction": "Nothing to see."}',
    }
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    result = ingest(folder(files), "src", kept, workers=1, options=options)
    waiting = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    found = {line["id"]: sorted(c["kind"] for c in line["conditions"]) for line in waiting}
    assert result.format == "samples"
    assert found == {
        "1_0000/shot_0070": ["camera", "image"],
        "1_0000/shot_0112": ["camera"],
    }
    assert waiting[0]["prompt"] == "It pans left."
    told = "1 text files belong to no record, e.g. 1_0000/shot_0200_caption.json"
    assert told in result.notes


def test_subjects_get_the_prompts_of_their_class_and_one_photo():
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    result = ingest(folder(SHAPES["subjects"]), "src", kept, workers=1, options=options)
    waiting = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    assert {line["id"]: line["prompt"] for line in waiting} == {
        "d/dog6/01": "a dog wearing a hat",
        "d/rc_car/01": "a toy in the snow",
    }
    assert {item["role"] for line in waiting for item in line["conditions"]} == {"identity"}


def test_prompts_in_several_folders_are_read_and_other_texts_told():
    files = {"x/a.txt": "one\n", "y/b.txt": "two\nthree", "meta/a.json": "[1]"}
    result = run(folder(files), STATED)
    assert (result.format, result.pending) == ("prompts", 3)
    assert any(
        "1 text files belong to no record, e.g. meta/a.json" in note for note in result.notes
    )
    with pytest.raises(InputError, match="no known shape"):
        run(folder({"people_keypoints.json": PERSON, "prompts.txt": "a walk"}), STATED)


def test_records_without_captions_wait_and_can_be_ingested_once_they_have_one():
    store = folder({**SHAPES["sidecars"], "first_frame.png": PICTURE, "first_frame.txt": "x"})
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    result = ingest(store, "src", kept, workers=1, options=options)
    assert (result.pending, len(result.records)) == (3, 0)
    waiting = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    assert waiting[-1]["conditions"][0]["role"] == "first_frame"
    captioned = [{**line, "caption": caption(line["id"]).model_dump()} for line in waiting]
    write_manifest(store, captioned)
    assert len(run(store).records) + run(store).leaks == 3


def test_a_plain_folder_must_state_licence_and_source():
    with pytest.raises(InputError, match=r"no licence and no source: give --licence and --source"):
        run(folder(SHAPES["sidecars"]))
    about = '{"licence": "MIT", "source": "unit"}'
    assert run(folder({**SHAPES["sidecars"], "a2c-source.json": about})).pending == 2


def test_another_folder_is_refused_with_what_is_accepted():
    with pytest.raises(InputError, match=r"no known shape .*Accepted: manifest.jsonl.*sidecars"):
        run(folder({"a.png": PICTURE, "one.txt": "x", "two.txt": "y"}), STATED)
    with pytest.raises(InputError, match="not of the shape 'lists'"):
        run(folder(SHAPES["sidecars"]), SourceOptions(shape="lists"))


def test_paths_of_a_table_that_lead_out_are_quarantined():
    rows = json.dumps([{"prompt": "x", "image": "../../etc/passwd"}, {"prompt": "y",
                       "image": "/etc/passwd"}])  # fmt: skip
    with pytest.raises(GateRefused, match="2 of 2 records"):
        run(folder({"t.json": rows, "a.png": PICTURE}), STATED)


def mask(number):
    picture = Image.new("P", (32, 24))
    picture.putpalette([0, 0, 0, 128, 0, 0])
    picture.paste(1, (number, 4, 12 + number, 20))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


PERSON = json.dumps({"people": [{"pose_keypoints_2d": [float(n) for n in range(54)]}]})
BARE = {
    "masks": ({f"judo/{n:05}.png": mask(n) for n in range(3)}, {"judo": {"segmentation": 3}}),
    "poses": (
        {f"clip_{n:012}_keypoints.json": PERSON for n in range(4)}, {"clip": {"pose": 4}},
    ),
    "depth and pictures": (
        {"depth/a.png": PICTURE, "rgb/a.png": PICTURE, "depth/b.png": PICTURE},
        {"a": {"depth": 1, "image": 1}, "b": {"depth": 1}},
    ),
    "DAVIS": (
        {
            **{f"JPEGImages/480p/judo/{n:05}.png": PICTURE for n in range(3)},
            **{f"Annotations/480p/judo/{n:05}.png": mask(n) for n in range(3)},
        },
        {"480p/judo": {"video": 3, "segmentation": 3}},
    ),
    "cameras": (
        {"walk 1.txt": CAMERA, "walk 2.txt": CAMERA, "README.txt": "about"},
        {"walk_1": {"camera": 1}, "walk_2": {"camera": 1}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BARE)
def test_media_without_any_text_wait_for_annotation(name):
    files, expected = BARE[name]
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    result = ingest(folder(files), "src", kept, workers=1, options=options)
    assert (result.format, result.rejected) == ("files", 0)
    waiting = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    found = {
        line["id"]: {item["kind"]: len(item["paths"]) for item in line["conditions"]}
        for line in waiting
    }
    assert found == expected


def test_texts_that_pair_with_nothing_are_only_left_out_when_asked():
    files = {"a.png": PICTURE, "one.txt": "x", "two.txt": "y"}
    with pytest.raises(InputError, match=r"2 texts pair with no file, e.g. one.txt"):
        run(folder(files), STATED)
    chosen = SourceOptions(licence="MIT", source="unit", shape="files")
    result = run(folder(files), chosen)
    assert result.pending == 1
    assert any(
        "2 text files belong to no record, e.g. one.txt, two.txt" in note for note in result.notes
    )


@pytest.mark.parametrize(
    ("files", "record", "field", "missing"),
    [
        (
            {"t.json": '[{"prompt": "x", "image": "a.png"}, {"prompt": "y", "image": "b/c.png"}]'},
            "t/000002", "image", "b/c.png",
        ),
        ({"t.csv": "file_name,text\na.png,one\nc.png,two\n"}, "t/c.png", "file_name", "c.png"),
        ({"t.txt": "k1@@a sheep@@a.png\nk2@@a dog@@c.png\n"}, "t/k2", "path", "c.png"),
        ({"files.txt": "a.png\nc.png", "prompts.txt": "one\ntwo"}, "c", "path", "c.png"),
        (
            {"x/prompt.json": '{"prompt": "two", "image_ref1": "c.png"}', "x/a.png": PICTURE},
            "x", "image_ref1", "c.png",
        ),
    ],
)  # fmt: skip
def test_a_file_that_a_table_names_and_is_missing_is_said_with_table_record_and_field(
    files, record, field, missing
):
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    good = {"a.png": PICTURE, "w/prompt.txt": "one", "w/b.png": PICTURE}
    source = folder({**good, **files})
    result = ingest(source, "src", kept, workers=1, threshold=0.5, options=options)
    (line,) = [json.loads(line) for line in kept.get(result.quarantine_key).splitlines()]
    (problem,) = line["problems"]
    table = next(iter(files)).replace("prompts", "files")
    assert (line["id"], problem["field"], problem["file"]) == (record, field, missing)
    assert problem["reason"].startswith(f"{table} names it, but it is not in the source")
    assert result.pending == 1


def test_a_row_without_a_text_waits_with_its_file_and_one_without_both_is_told():
    rows = [{"prompt": "x", "image": "a.png"}, {"prompt": " ", "image": "b.png"}, {"prompt": ""}]
    kept = MemoryStore()
    options = IngestOptions(source=STATED, licences=DEFAULT_LICENCES)
    files = {"t.json": json.dumps(rows), "a.png": PICTURE, "b.png": PICTURE}
    result = ingest(folder(files), "src", kept, workers=1, options=options)
    waiting = [json.loads(line) for line in kept.get(result.pending_key).splitlines()]
    assert [(line["id"], line.get("prompt", "")) for line in waiting] == [
        ("t/000001", "x"), ("t/000002", "")
    ]  # fmt: skip
    assert "t.json: 1 rows have neither text nor file: 3" in result.notes


def test_texts_that_no_record_takes_are_told_with_their_file_and_field():
    rows = [{"prompt": "x", "image": "a.png", "review": "one two three four five six", "tag": "a"}]
    files = {
        "t.json": json.dumps(rows),
        "a.png": PICTURE,
        "story.txt": "Once upon a time.",
        "deep/more.jsonl": '{"prompt": "of nothing", "n": 1}',
        "LICENSE.txt": "MIT",
    }
    result = run(folder(files), STATED)
    assert (result.format, result.pending) == ("table", 2)
    assert "t.json: no record takes the text of the field 'review' (row 1)" in result.notes
    assert "1 text files belong to no record, e.g. story.txt" in result.notes


def test_media_that_no_record_uses_are_told():
    result = run(folder({**SHAPES["table"], "extra.png": PICTURE}), STATED)
    assert any("1 media files belong to no record" in note for note in result.notes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(["manifest.jsonl", "manifest.csv", "manifest.parquet", "t.json", "p.txt"]),
    data=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode())),
)
def test_no_bytes_of_a_manifest_crash_the_reader(name, data):
    store = folder({name: data})
    refusals: list[A2CError] = []
    try:
        run(store, STATED, threshold=1.0)
    except A2CError as error:
        refusals.append(error)
    assert not any("\n" in str(error).strip() for error in refusals)
