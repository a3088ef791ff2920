"""The encoder on a GPU against the same encoder on the CPU."""

import copy

import pytest
import torch
from random_views import random_views

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 1]], dtype=torch.bool)
TEXTS = ["hand me the mug", "hammer this in, gently"]
LEAST_COSINE = {"bfloat16": 0.999, "float32": 0.999999}


def cosine(found, expected):
    return torch.nn.functional.cosine_similarity(found.double().cpu().flatten(), expected.double().flatten(), dim=0)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_views_and_meaning_are_those_of_the_cpu(make_encoder, dtype):
    on_cpu = make_encoder(dtype=dtype)
    on_gpu = copy.deepcopy(on_cpu).to("cuda")
    views = random_views(2, 6) * MASK[..., None, None, None]
    with torch.no_grad():
        expected = on_cpu.encode_views(views)
        features = on_gpu.encode_views(views.cuda())
        assert features.is_cuda
        assert features.dtype == expected.dtype
        assert cosine(features, expected) > LEAST_COSINE[dtype]
        meaning = on_gpu(features, MASK.cuda(), TEXTS)
        assert cosine(meaning, on_cpu(expected, MASK, TEXTS)) > LEAST_COSINE[dtype]


@pytest.mark.gpu
@pytest.mark.parametrize("gradient_checkpointing", [False, True])
def test_gradients_of_adapters_are_those_of_the_cpu(make_encoder, gradient_checkpointing):
    on_cpu = make_encoder(gradient_checkpointing=gradient_checkpointing).train()
    for name, parameter in on_cpu.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    on_gpu = copy.deepcopy(on_cpu).to("cuda")
    views = random_views(2, 6) * MASK[..., None, None, None]
    gradients = []
    for encoder, device in ((on_gpu, "cuda"), (on_cpu, "cpu")):
        encoder(encoder.encode_views(views.to(device)), MASK.to(device), TEXTS).square().sum().backward()
        trained = [parameter for name, parameter in encoder.named_parameters() if "lora_" in name]
        gradients.append(torch.cat([parameter.grad.flatten().cpu() for parameter in trained]))
    assert cosine(*gradients) > 0.9999
