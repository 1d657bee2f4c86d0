"""What was computed once is found again, and damage to the cache costs time only."""

from any2caption.datasets.ingest.cache import JsonCache
from any2caption.storage.memory import MemoryStore


def test_saved_results_are_there_in_the_next_run():
    store = MemoryStore()
    cache = JsonCache(store, "cache/x/")
    cache.put("é", {"frames": 3})
    assert cache.get("é") == {"frames": 3}
    assert JsonCache(store, "cache/x/").get("é") is None
    cache.save()
    cache.save()
    assert JsonCache(store, "cache/x/").get("é") == {"frames": 3}
    assert len(list(store.list("cache/"))) == 1


def test_two_runs_at_once_keep_both_results():
    store = MemoryStore()
    first, second = JsonCache(store, "cache/x/"), JsonCache(store, "cache/x/")
    first.put("a", {"n": 1})
    second.put("b", {"n": 2})
    first.save()
    second.save()
    assert len(JsonCache(store, "cache/x/")) == 2


def test_many_small_packs_become_one():
    store = MemoryStore()
    for number in range(40):
        cache = JsonCache(store, "cache/x/")
        cache.put(str(number), {"n": number})
        cache.save()
    assert len(list(store.list("cache/x/"))) <= 17
    assert len(JsonCache(store, "cache/x/")) == 40


def test_a_damaged_pack_is_skipped():
    store = MemoryStore()
    store.put("cache/x/damaged.jsonl", b'["a", {"n": 1}]\n["b", {"n"')
    cache = JsonCache(store, "cache/x/")
    assert cache.get("a") == {"n": 1}
    assert cache.get("b") is None


def test_what_is_known_already_is_not_written_again():
    store = MemoryStore()
    for _ in range(3):
        cache = JsonCache(store, "cache/x/")
        cache.put("a", {"n": 1})
        cache.save()
    assert len(list(store.list("cache/x/"))) == 1
