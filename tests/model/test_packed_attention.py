import pytest
import torch
from torch import nn

from any2caption.model.fused.packed_attention import Documents, attend, lay_out

ROWS = [[3, 5, 1], [4, 2]]
WIDTH = 10


def block_mask(documents: Documents, places: int) -> torch.Tensor:
    """Which place sees which, written out: same document, not later."""
    number = torch.full((places,), -1)
    for i, (start, end) in enumerate(documents.starts.unfold(0, 2, 1).tolist()):
        number[start:end] = i
    return (number[:, None] == number[None]).tril()


def masked(query, key, value, documents, scale):
    q, k, v = (part.transpose(0, 1)[None] for part in (query, key, value))
    mask = block_mask(documents, len(query))
    out = nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, scale=scale, enable_gqa=True
    )
    return out[0].transpose(0, 1)


def made(places, seed=0):
    torch.manual_seed(seed)
    sizes = ((places, 4, 8), (places, 2, 8), (places, 2, 8))
    return [torch.randn(size, requires_grad=True) for size in sizes]


def test_every_document_begins_where_the_one_before_ends():
    documents = lay_out(ROWS, WIDTH)
    assert documents.starts.tolist() == [0, 3, 8, 9, 10, 14, 16, 20]
    assert documents.own.shape == (5, 5)
    assert documents.own[3].tolist() == [10, 11, 12, 13, 10]
    assert documents.inside.sum() == 15
    flat = documents.own.flatten()
    assert torch.equal(flat[documents.back[documents.inside]], documents.inside.nonzero()[:, 0])


def test_attention_equals_a_block_mask_in_values_and_gradients():
    documents = lay_out(ROWS, WIDTH)
    ours, theirs = made(20), made(20)
    inside = documents.inside[:, None, None]
    weight = torch.randn(20, 4, 8)
    out = attend(*ours, documents, 0.3)
    expected = masked(*theirs, documents, 0.3)
    torch.testing.assert_close(out * inside, expected * inside)
    (out * inside * weight).sum().backward()
    (expected * inside * weight).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_padding_gets_no_gradient_and_stays_finite():
    documents = lay_out(ROWS, WIDTH)
    parts = made(20)
    out = attend(*parts, documents, 0.3)
    assert torch.isfinite(out).all()
    out.sum().backward()
    assert all(not part.grad[~documents.inside].any() for part in parts)


def test_what_is_too_long_or_empty_is_refused():
    with pytest.raises(ValueError, match="row 1: 11 tokens in 10 places"):
        lay_out([[3], [6, 5]], 10)
    with pytest.raises(ValueError, match="at least one token"):
        lay_out([[0]], 4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_varlen_attention_on_a_gpu_equals_the_same_on_a_cpu():
    documents = lay_out([[300, 41, 200], [17, 512]], 544)
    torch.manual_seed(0)
    sizes = ((1088, 4, 64), (1088, 2, 64), (1088, 2, 64))
    cpu = [torch.randn(size).bfloat16().float().requires_grad_() for size in sizes]
    gpu = [part.detach().cuda().bfloat16().requires_grad_() for part in cpu]
    inside = documents.inside[:, None, None]
    expected = attend(*cpu, documents, 0.125) * inside
    out = attend(*gpu, documents.to("cuda"), 0.125) * inside.cuda()
    torch.testing.assert_close(out.float().cpu(), expected, atol=2e-2, rtol=2e-2)
    expected.square().sum().backward()
    out.float().square().sum().backward()
    for a, b in zip(gpu, cpu, strict=True):
        torch.testing.assert_close(a.grad.float().cpu(), b.grad, atol=6e-2, rtol=6e-2)
