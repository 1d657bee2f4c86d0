from any2caption.storage.disk_map import DiskMap


def test_the_first_value_of_a_key_stays_and_places_count_first_entries():
    found = DiskMap()
    assert [found.add(key, value) for key, value in ((b"b", "1"), (b"a", "2"), (b"b", "3"))] == [
        0, 1, 0,
    ]  # fmt: skip
    assert (list(found.keys()), list(found.values())) == ([b"b", b"a"], ["1", "2"])
    assert (found.get(b"b"), found.place(b"a"), len(found)) == ("1", 1, 2)


def test_a_key_that_is_not_there_has_neither_place_nor_value():
    found = DiskMap()
    assert (found.get(b"x"), found.place(b"x"), len(found)) == (None, None, 0)
