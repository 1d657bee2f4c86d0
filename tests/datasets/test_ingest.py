"""Ingest of the synthetic world's files, whole and broken, through the real parsers."""

import json
from collections import Counter

import pytest

from any2caption.datasets.ingest import engine, ingest, pool, worker
from any2caption.datasets.ingest.probe import digest_of_parsers, parser_version
from any2caption.errors import ConfigError, GateRefused, InputError, UnavailableError
from any2caption.storage import get_content, media_key
from any2caption.storage.folder import FolderStore
from any2caption.storage.memory import MemoryStore

from .builders import read_manifest, write_corpus, write_manifest

SCENES = 6


@pytest.fixture(scope="module")
def corpus():
    store = MemoryStore("corpus")
    lines = write_corpus(store, scenes=SCENES)
    lines.sort(key=lambda line: -len(line.setdefault("conditions", [])))
    write_manifest(store, lines)
    return store


@pytest.fixture
def source(corpus):
    copy = MemoryStore("source")
    for info in corpus.list():
        copy.put(info.key, corpus.get(info.key))
    return copy


@pytest.fixture
def parsed(monkeypatch):
    """Counts the media sets that reach the parsers."""
    found = []
    real = worker.probe

    def probe(media, data):
        found.append(media)
        return real(media, data)

    monkeypatch.setattr(worker, "probe", probe)
    return found


def run(source, store, **changes):
    return ingest(source, "src", store, **{"workers": 1, "threshold": 0.5, **changes})


def rejections(store, result):
    lines = [json.loads(line) for line in store.get(result.quarantine_key).splitlines()]
    return {line["line"]: line["problems"] for line in lines}


def test_every_record_of_a_good_source_arrives_whole(source):
    store = MemoryStore()
    result = run(source, store, threshold=0)
    lines = read_manifest(source)
    assert [record.id for record in result.records] == [line["id"] for line in lines]
    assert (result.rejected, result.quarantine_key) == (0, None)
    for record, line in zip(result.records, lines, strict=True):
        assert [item.kind for item in record.conditions] == [
            item["kind"] for item in line["conditions"]
        ]
        for item in record.conditions:
            assert item.frames >= 1
            assert item.format
            for part in item.parts:
                assert len(get_content(store, part.sha256)) == part.size


def test_conditions_are_numbered_within_their_kind(source):
    for record in run(source, MemoryStore()).records:
        numbers = {}
        for item in record.conditions:
            numbers.setdefault(item.kind, []).append(item.number)
        assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_media_that_records_share_are_stored_and_parsed_once(source, parsed):
    store = MemoryStore()
    result = run(source, store)
    uses = Counter(
        (item.kind, item.role, tuple(part.sha256 for part in item.parts))
        for record in result.records
        for item in record.conditions
    )
    assert max(uses.values()) > 1
    assert len(parsed) == len(uses) == result.media_sets_parsed
    digests = {part.sha256 for r in result.records for c in r.conditions for part in c.parts}
    assert {info.key for info in store.list("media/")} == {media_key(d) for d in digests}


def test_an_unchanged_source_is_neither_read_nor_parsed_again(source, parsed, monkeypatch):
    store = MemoryStore()
    first = run(source, store)
    parsed.clear()
    monkeypatch.setattr(worker, "take_in", None)
    again = run(source, store)
    assert parsed == []
    assert (again.files_copied, again.media_sets_parsed) == (0, 0)
    assert again.records == first.records


def test_a_renamed_file_with_the_same_content_is_stored_once(source, parsed):
    store = MemoryStore()
    run(source, store)
    before = len(list(store.list("media/")))
    parsed.clear()
    lines = read_manifest(source)
    path = lines[0]["conditions"][0]["paths"][0]
    moved = f"elsewhere/{path.rpartition('/')[2]}"
    source.put(f"src/{moved}", source.get(f"src/{path}"))
    lines[0]["conditions"][0]["paths"][0] = moved
    write_manifest(source, lines)
    result = run(source, store)
    assert result.files_copied == 1
    assert parsed == []
    assert len(list(store.list("media/"))) == before


def test_a_changed_file_is_parsed_again_and_only_that(source, parsed):
    store = MemoryStore()
    run(source, store)
    parsed.clear()
    key = next(info.key for info in source.list() if info.key.endswith("camera.txt"))
    source.put(key, source.get(key) + b"\n")
    result = run(source, store)
    assert result.files_copied == 1
    assert len(parsed) == 1


def test_changed_parsers_make_cached_results_stale(source, parsed, monkeypatch):
    store = MemoryStore()
    run(source, store)
    parsed.clear()
    monkeypatch.setattr(engine, "parser_version", lambda: "other")
    assert run(source, store).media_sets_parsed == len(parsed) > 0
    assert parser_version() != "other"


def test_a_change_in_any_parser_at_any_depth_changes_the_parsers_digest(tmp_path):
    (tmp_path / "camera").mkdir()
    (tmp_path / "drawing").mkdir()
    for name in ("registry.py", "camera/parser.py", "drawing/preview.py"):
        (tmp_path / name).write_text("first")
    before = digest_of_parsers(tmp_path)
    (tmp_path / "drawing/preview.py").write_text("second")
    assert digest_of_parsers(tmp_path) == before
    (tmp_path / "camera/parser.py").write_text("second")
    assert digest_of_parsers(tmp_path) != before


def test_media_that_housekeeping_removed_come_back(source):
    store = MemoryStore()
    first = run(source, store)
    lost = first.records[0].conditions[0].parts[0].sha256
    store.delete(media_key(lost))
    assert run(source, store).files_copied == 1
    assert get_content(store, lost)


def test_bad_records_go_to_quarantine_and_the_others_are_kept(source):
    lines = read_manifest(source)
    total = len(lines)
    first = lines[1]["conditions"][0]
    source.put("src/broken/empty", b"")
    lines[0] = '{"id": "cut'
    lines[1]["conditions"] = [{**first, "paths": ["media/not-there.png"]}]
    lines[2]["conditions"] = [{"kind": "image", "paths": ["broken/empty"], "role": "identity"}]
    lines[3]["conditions"] = [{**first, "paths": ["../../etc/passwd"]}]
    lines[4]["id"] = lines[5]["id"]
    write_manifest(source, lines)
    store = MemoryStore()
    result = run(source, store)
    found = rejections(store, result)
    assert set(found) == {1, 2, 3, 4, 6}
    assert len(result.records) == total - 5
    assert found[2][0]["file"] == "media/not-there.png"
    assert "not in the source" in found[2][0]["reason"]
    assert found[3][0]["file"] == "broken/empty"
    assert found[3][0]["field"].startswith("conditions.0.")
    assert "'..'" in found[4][0]["reason"]
    assert found[6][0]["field"] == "id"


def test_every_kind_of_truncated_file_is_quarantined_not_fatal(source):
    lines = read_manifest(source)
    kinds = set()
    for line in lines:
        for item in line["conditions"]:
            if item["kind"] not in kinds:
                kinds.add(item["kind"])
                key = f"broken/{item['paths'][0]}"
                data = source.get(f"src/{item['paths'][0]}")
                source.put(f"src/{key}", data[: len(data) // 3])
                item["paths"] = [key]
                break
    write_manifest(source, lines)
    store = MemoryStore()
    result = run(source, store, threshold=0.9)
    broken = [p[0] for p in rejections(store, result).values()]
    assert len(broken) == len(kinds) >= 4
    assert all(problem["file"].startswith("broken/") for problem in broken)


def test_too_many_bad_records_refuse_the_source_but_keep_the_quarantine(source):
    lines = read_manifest(source)
    for line in lines[:6]:
        line["licence"] = ""
    write_manifest(source, lines)
    store = MemoryStore()
    with pytest.raises(GateRefused, match=rf"6 of {len(lines)} records .* licence"):
        run(source, store, threshold=0.1)
    assert len(list(store.list("quarantine/"))) == 2


def test_a_source_that_is_all_bad_is_refused(source):
    write_manifest(source, ["{", "[]", "nonsense"])
    with pytest.raises(GateRefused, match="3 of 3"):
        run(source, MemoryStore(), threshold=1.0)


def test_a_source_without_manifest_is_named():
    with pytest.raises(InputError, match=r"memory://empty/src/manifest\.jsonl.*no manifest"):
        run(MemoryStore("empty"), MemoryStore())


def test_a_file_above_the_limit_is_not_read(source, monkeypatch):
    monkeypatch.setattr(engine, "MAX_FILE_BYTES", 10)
    with pytest.raises(GateRefused, match="the file has … bytes"):
        run(source, MemoryStore())


def test_a_bug_in_a_parser_costs_one_record_not_the_run(source, monkeypatch):
    from any2caption.conditions.isolation import parse as isolation

    real = isolation.parse_condition

    def parse(kind, parts, **options):
        if kind == "camera":
            raise ZeroDivisionError("bug")
        return real(kind, parts, **options)

    monkeypatch.setattr(isolation, "parse_condition", parse)
    store = MemoryStore()
    result = run(source, store, threshold=0.99)
    problems = [p for found in rejections(store, result).values() for p in found]
    assert {problem["reason"] for problem in problems} == {
        "the parser failed: ZeroDivisionError: bug"
    }


def test_a_store_that_does_not_answer_is_no_bad_record(source, monkeypatch):
    def fail(_):
        raise UnavailableError("down")

    monkeypatch.setattr(source, "get", fail)
    with pytest.raises(UnavailableError, match="down"):
        run(source, MemoryStore())


def test_a_killed_ingest_goes_on_where_it_was(source, monkeypatch):
    store, parsed = MemoryStore(), []
    monkeypatch.setattr(engine, "SAVE_EVERY", 1)
    real = worker.probe

    def probe(media, data):
        parsed.append(media)
        if len(parsed) == 6:
            raise KeyboardInterrupt
        return real(media, data)

    with monkeypatch.context() as patch:
        patch.setattr(worker, "probe", probe)
        patch.setattr(pool, "CHUNK", 2)
        with pytest.raises(KeyboardInterrupt):
            run(source, store)
    result = run(source, store)
    assert result.files_copied == 0
    assert result.media_sets_parsed == result.media_sets - 4  # two whole chunks were saved


def test_progress_says_how_far_and_how_long(source):
    seen = []
    run(source, MemoryStore(), progress=seen.append)
    assert {item.stage for item in seen} == {"records"}
    last = seen[-1]
    assert last.done == last.total
    assert last.rate > 0
    assert last.eta == 0


def test_processes_and_one_process_give_the_same_records(source, tmp_path):
    folder = FolderStore(tmp_path / "source")
    for info in source.list():
        folder.put(info.key, source.get(info.key))
    store = FolderStore(tmp_path / "store")
    parallel = ingest(folder, "src", store, workers=2, threshold=0)
    assert parallel.records == run(source, MemoryStore()).records


@pytest.mark.parametrize("changes", [{"workers": 0}, {"threshold": -0.1}, {"threshold": 1.5}])
def test_impossible_parameters_are_refused(source, changes):
    with pytest.raises(ConfigError):
        run(source, MemoryStore(), **changes)


def test_no_caption_is_in_two_splits(source):
    splits = {}
    for record in run(source, MemoryStore()).records:
        splits.setdefault(record.caption, set()).add(record.split)
    assert all(len(found) == 1 for found in splits.values())
