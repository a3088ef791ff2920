"""Windows in batches give what the library gives window by window."""

import json

import pytest
import torch

from bench.view_encoding import main, make_encoder, windows_in_batches
from funcgrasp_core.contracts import VIEW_SLOTS

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder():
    return make_encoder("tiny", CPU).float()


def num_attention_calls(encoder, images, monkeypatch):
    calls, attend = [], torch.nn.functional.scaled_dot_product_attention

    def counted(*arguments, **named):
        calls.append(arguments)
        return attend(*arguments, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    encoder.encode_views(images)
    return len(calls)


def test_features_are_the_same_and_every_layer_attends_once(encoder, monkeypatch):
    images = torch.rand(1, len(VIEW_SLOTS), 3, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = encoder.encode_views(images)
    with windows_in_batches(encoder):
        torch.testing.assert_close(encoder.encode_views(images), expected)
        in_batches = num_attention_calls(encoder, images, monkeypatch)
    assert torch.equal(encoder.encode_views(images), expected)
    num_blocks = len(encoder.model.visual.blocks)
    # A CPU encodes view by view. A windowed layer has four windows a view, the last layer attends to the whole.
    assert in_batches == len(VIEW_SLOTS) * num_blocks
    assert num_attention_calls(encoder, images, monkeypatch) == len(VIEW_SLOTS) * (4 * (num_blocks - 1) + 1)


def test_several_views_at_a_time_stay_apart(encoder):
    views = torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), windows_in_batches(encoder):
        together = encoder._vision_tower(views)
        alone = torch.cat([encoder._vision_tower(view[None]) for view in views])
    torch.testing.assert_close(together, alone)


def test_the_command_writes_rows_that_agree(tmp_path):
    file = tmp_path / "results" / "views.json"
    main(["--shape", "tiny", "--calls", "1", "--json", str(file)])
    rows = json.loads(file.read_text())["rows"]
    assert [row["name"] for row in rows] == ["6 views of 1 objects", "6 views of 8 objects"]
    assert all(row["outputs_agree"] for row in rows)
