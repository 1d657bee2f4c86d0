from dataclasses import replace

import numpy as np
import pytest

from any2caption.captions.text import parse, strict
from any2caption.errors import InputError
from any2caption.model.bundled_encoders import (
    encode_camera,
    encode_motion,
    encode_vision,
    load_camera,
    load_motion,
    load_vision,
)
from any2caption.model.decoder import Decoder
from any2caption.model.inference import Captioner, Request, decoder_inputs


@pytest.fixture(scope="module")
def decoder(bundle):
    return Decoder.from_bundle(bundle)


@pytest.fixture(scope="module")
def batch(bundle, processor, conditions):
    vision, motion, camera = load_vision(bundle), load_motion(bundle), load_camera(bundle)
    features = {kind: processor.features(c) for kind, c in conditions.items()}
    chosen = [[], ["image"], ["pose", "camera"], list(features), ["depth"]]
    made = []
    for i, kinds in enumerate(chosen):
        inputs = processor.assemble("Two red balls. " * i, [features[k] for k in kinds])
        made.append(
            decoder_inputs(
                inputs,
                encode_vision(vision, inputs.vision_patches, inputs.vision_grid),
                encode_motion(motion, inputs.motion_patches, inputs.motion_grid),
                encode_camera(camera, inputs.camera_poses),
            )
        )
    return made


def test_an_untrained_model_still_writes_six_parts(decoder, batch):
    for text in decoder.generate(batch):
        assert len(text.splitlines()) == 6
        assert all(part.strip() for part in parse(text).model_dump().values())


def test_without_the_grammar_an_untrained_model_writes_no_six_parts(decoder, batch, config):
    texts = decoder.generate(batch, free=True)
    assert not any(strict(text) for text in texts)
    assert all(strict(text) for text in decoder.generate(batch))
    most = config.processor.max_new_tokens
    assert all(len(ids) <= most for ids in decoder.generate_ids(batch, free=True))


def test_a_caption_fits_the_token_budget(decoder, batch, config):
    for ids in decoder.generate_ids(batch):
        assert len(ids) <= config.processor.max_new_tokens
        assert ids[-1] == decoder.processor.end_id


def test_batched_decoding_equals_single_decoding(decoder, batch):
    together = decoder.generate_ids(batch)
    assert together == [decoder.generate_ids([item])[0] for item in batch]


def test_cached_decoding_equals_a_full_forward_for_each_token(decoder, batch):
    assert decoder.generate_ids(batch[:3]) == decoder.generate_ids(batch[:3], cached=False)


def test_no_conditions_give_zero_rows(bundle, processor):
    inputs = processor.assemble("x", [])
    rows = encode_vision(load_vision(bundle), inputs.vision_patches, inputs.vision_grid)
    assert rows.shape == (0, 192)
    assert encode_camera(load_camera(bundle), inputs.camera_poses).shape == (0, 192)


def test_nothing_to_decode_gives_nothing(decoder):
    assert decoder.generate([]) == []


def test_the_captioner_answers_in_order_and_passes_warnings_on(bundle, conditions):
    requests = [
        Request("a", [conditions["image"]] * 9),
        *(Request(kind, [condition]) for kind, condition in conditions.items()),
        Request("", []),
    ]
    captioner = Captioner(bundle, batch=3)
    results = captioner.caption(requests)
    assert len(results) == len(requests)
    assert "first 8" in results[0].warnings[0]
    assert not results[1].warnings
    again = captioner.caption(requests[2:3])
    assert again[0].text == results[2].text


def test_scores_that_are_not_numbers_do_not_break_the_form(decoder):
    constraint = decoder.grammar.begin(1)
    written = []
    for _ in range(decoder.processor.config.processor.max_new_tokens):
        scores = np.full((1, decoder.grammar.vocab_size), np.nan, np.float32)
        written.append(int(constraint.choose(scores)[0]))
        if constraint.done.all():
            break
    parse(decoder.processor.decode(written))


def spoiled(item, name):
    """A request that no preprocessing step makes: one array replaced, by what it is called."""
    ids = item.input_ids
    rows = item.vision_embeds.copy()
    rows[0, 0] = np.nan
    longer = np.tile(ids, 4096 // len(ids) + 1)
    return replace(
        item,
        **{
            "too long": {
                "input_ids": longer,
                "token_types": np.zeros_like(longer),
                "position_ids": np.tile(np.arange(len(longer)) % 100, (3, 1)),
            },
            "far positions": {"position_ids": item.position_ids + 4096},
            "unknown token": {"input_ids": np.where(np.arange(len(ids)) == 2, 10**6, ids)},
            "other rows": {"vision_embeds": item.vision_embeds[:-1]},
            "not finite": {"vision_embeds": rows},
            "fewer types": {"token_types": item.token_types[:-1]},
        }[name],
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("too long", "INPUT_IDS: .* tokens, positions up to 99; the model takes 3,896 tokens"),
        ("far positions", "INPUT_IDS: .*4,096 positions"),
        ("unknown token", "INPUT_IDS: a token that the model does not know"),
        ("other rows", "VISION_EMBEDS: 3 rows for 4 places"),
        ("not finite", "VISION_EMBEDS: numbers that are not finite"),
        ("fewer types", "POSITION_IDS: not of"),
    ],
)
def test_the_decoder_refuses_what_it_cannot_decode(decoder, batch, name, words):
    with pytest.raises(InputError, match=words):
        decoder.generate([batch[0], spoiled(batch[1], name)])
