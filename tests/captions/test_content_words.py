from any2caption.captions.content_words import content_words


def test_articles_prepositions_and_pronouns_carry_nothing():
    assert content_words("The dog is in the kitchen with its owner.") == ["dog", "kitchen", "owner"]


def test_case_digits_and_stops_do_not_count_and_order_does():
    assert content_words("4K, DOG meets Dog; a café!") == ["k", "dog", "meets", "dog", "café"]


def test_hyphens_part_words_and_apostrophes_do_not():
    assert content_words("a red-haired child’s kite") == ["red", "haired", "child's", "kite"]


def test_other_scripts_are_words_too():
    assert content_words("一只狗 в кухне") == ["一只狗", "в", "кухне"]
