"""Likeness by given weights: tiny random ones here, and those of a package for BERTScore."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    BitImageProcessor,
    CLIPModel,
    CLIPProcessor,
    Dinov2Config,
    Dinov2Model,
)

from any2caption.errors import ConfigError
from any2caption.evaluation.figures.likeness import BertScore, Clip, Dino, minilm

SIDE = 30
RNG = np.random.default_rng(3)
FRAMES = RNG.integers(0, 256, (5, 40, 48, 3), dtype=np.uint8)
OTHERS = RNG.integers(0, 256, (2, 33, 33, 3), dtype=np.uint8)
TINY = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4}
LAYERS = {**TINY, "num_hidden_layers": 2}


@pytest.fixture(scope="module")
def dino_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dino")
    torch.manual_seed(2)
    config = Dinov2Config(**LAYERS, image_size=SIDE, patch_size=6)
    Dinov2Model(config).save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    BitImageProcessor(size={"shortest_edge": SIDE}, crop_size=size).save_pretrained(folder)
    return folder


def cosines(one, other):
    one, other = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (one, other))
    return 100 * float((one @ other.T).mean())


def test_clip_t_and_clip_i_are_cosines_of_the_models_own_embeddings(clip_folder):
    clip, whole = Clip(clip_folder), CLIPModel.from_pretrained(clip_folder).eval()
    prepare = CLIPProcessor.from_pretrained(clip_folder)
    pictures = [Image.fromarray(one) for one in [*FRAMES, *OTHERS]]
    with torch.inference_mode():
        inputs = prepare(text=["a dog waits"], images=pictures, return_tensors="pt")
        found = whole(**inputs)
    seen, text = found.image_embeds.numpy(), found.text_embeds.numpy()
    right = pytest.approx(cosines(seen[:5], text), abs=1e-3)
    assert clip.clip_t(["a dog waits", "a cat"], FRAMES)[0] == right
    assert clip.clip_i(FRAMES, OTHERS) == pytest.approx(cosines(seen[:5], seen[5:]), abs=1e-3)
    assert clip.clip_i(FRAMES[:1], FRAMES[:1]) == pytest.approx(100, abs=1e-3)
    assert clip.clip_t(["a dog " * 200], FRAMES[:1])  # longer than it reads


def test_dino_i_is_the_cosine_of_the_first_tokens(dino_folder):
    dino, whole = Dino(dino_folder), Dinov2Model.from_pretrained(dino_folder).eval()
    prepare = BitImageProcessor.from_pretrained(dino_folder)
    with torch.inference_mode():
        seen = [
            whole(**prepare(images=[one], return_tensors="pt")).last_hidden_state[0, 0].numpy()
            for one in [*FRAMES, *OTHERS]
        ]
    right = cosines(np.stack(seen[:5]), np.stack(seen[5:]))
    assert dino.dino_i(FRAMES, OTHERS) == pytest.approx(right, abs=1e-3)
    assert dino.dino_i(OTHERS[:1], OTHERS[:1]) == pytest.approx(100, abs=1e-3)


def test_bertscore_is_the_greedy_match_of_token_vectors(tmp_path):
    torch.manual_seed(4)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "cat", "waits", "."]
    BertModel(BertConfig(**LAYERS, vocab_size=10)).save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(names))
    BertTokenizerFast(vocab={name: i for i, name in enumerate(names)}).save_pretrained(tmp_path)
    score, whole = BertScore(tmp_path), BertModel.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        found, gold = (
            whole(torch.tensor([[2, *ids, 3]])).last_hidden_state[0, 1:-1].numpy()
            for ids in ([5, 6, 8], [5, 7, 8, 9])
        )
    near = [[float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for b in gold] for a in found]
    precision = np.mean([max(row) for row in near])
    recall = np.mean([max(row[j] for row in near) for j in range(4)])
    right = 2 * precision * recall / (precision + recall)
    assert score.f1("a dog waits", "a cat waits.") == pytest.approx(right, abs=1e-5)
    assert score.f1("", "a cat") == 0
    assert score.score(["a dog", "a dog"], ["a dog", "a cat"]) < 100


def test_the_packaged_encoder_puts_paraphrases_nearer_than_others():
    score = BertScore(minilm())
    gold = "A dog runs across a sunny meadow."
    near, far = "A puppy races over a bright field.", "Two robots weld a car at night."
    assert score.f1(gold, gold) == pytest.approx(1, abs=1e-5)
    assert score.f1(near, gold) > score.f1(far, gold) + 0.1


def test_a_folder_without_weights_is_refused_by_name(tmp_path):
    for kind in (Clip, Dino, BertScore):
        with pytest.raises(ConfigError, match=str(tmp_path)):
            kind(tmp_path)
