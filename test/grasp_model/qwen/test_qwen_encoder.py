import pytest
import torch
from official_processor import official_inputs
from random_views import random_views

from funcgrasp_core.errors import InstructionTooLongError

TEXTS = ["hand me the mug", "hammer this nail in with the hammer by the shaft, please", "use it", "hold"]
MASKS = torch.tensor([[1, 1, 1, 1, 1, 1], [0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0]], dtype=torch.bool)


@pytest.fixture(scope="module")
def views():
    return random_views(len(TEXTS), 6) * MASKS[..., None, None, None]


def official_hidden_states(encoder, folder, views, mask, text):
    """[L, D] of the plain call of the library, for one observation."""
    inputs = official_inputs(folder, list(views[mask]), text)
    with torch.no_grad():
        return encoder.model(**inputs).last_hidden_state[0]


def test_hidden_states_are_those_of_the_plain_call(frozen_encoder, tiny_qwen, views):
    """Rows of one batch with six, two, no and two views, and texts of several lengths; each compared alone."""
    prompts = frozen_encoder.prompts(TEXTS, MASKS.tolist())
    with torch.no_grad():
        features = frozen_encoder.encode_views(views)
        hidden = frozen_encoder.hidden_states(features, MASKS, prompts)
    assert len({int(row.sum()) for row in prompts.is_token}) == len(TEXTS)
    for row, text in enumerate(TEXTS):
        expected = official_hidden_states(frozen_encoder, tiny_qwen, views[row], MASKS[row], text)
        found = hidden[row, prompts.is_token[row]]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_the_padded_batch_is_that_of_the_plain_call(frozen_encoder, tiny_qwen, views):
    """The library's own batch: two rows, right padding, attention mask."""
    rows = [0, 1]
    prompts = frozen_encoder.prompts([TEXTS[row] for row in rows], MASKS[rows].tolist())
    alone = [official_inputs(tiny_qwen, list(views[row][MASKS[row]]), TEXTS[row]) for row in rows]
    with torch.no_grad():
        expected = frozen_encoder.model(
            input_ids=prompts.input_ids,
            attention_mask=prompts.is_token.long(),
            mm_token_type_ids=prompts.is_view_token.int(),
            pixel_values=torch.cat([inputs["pixel_values"] for inputs in alone]),
            image_grid_thw=torch.cat([inputs["image_grid_thw"] for inputs in alone]),
        ).last_hidden_state
        found = frozen_encoder.hidden_states(frozen_encoder.encode_views(views[rows]), MASKS[rows], prompts)
    torch.testing.assert_close(found[prompts.is_token], expected[prompts.is_token], rtol=0, atol=1e-5)


def test_the_output_is_the_projected_mean_over_tokens(frozen_encoder, tiny_qwen, views):
    with torch.no_grad():
        found = frozen_encoder(frozen_encoder.encode_views(views), MASKS, TEXTS)
        for row, text in enumerate(TEXTS):
            hidden = official_hidden_states(frozen_encoder, tiny_qwen, views[row], MASKS[row], text)
            torch.testing.assert_close(found[row], frozen_encoder.head(hidden.mean(dim=0)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [84, 224])
def test_larger_views_agree_too(make_encoder, tiny_qwen, size):
    """Window attention and row lengths of other grids."""
    encoder = make_encoder(tuning="frozen", view_size=size)
    views = random_views(1, 6, size=size)
    prompts = encoder.prompts(["hold it"], [[True] * 6])
    mask = torch.ones(1, 6, dtype=torch.bool)
    assert encoder.view_size == size
    with torch.no_grad():
        features = encoder.encode_views(views)
        assert features.shape == (1, 6, (size // 28) ** 2, 64)
        found = encoder.hidden_states(features, mask, prompts)
        expected = encoder.model(**official_inputs(tiny_qwen, list(views[0]), "hold it")).last_hidden_state
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_rows_do_not_depend_on_their_neighbours(frozen_encoder, views):
    with torch.no_grad():
        features = frozen_encoder.encode_views(views)
        together = frozen_encoder(features, MASKS, TEXTS)
        for row, text in enumerate(TEXTS):
            alone = frozen_encoder(features[row : row + 1], MASKS[row : row + 1], [text])
            torch.testing.assert_close(together[row : row + 1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("tuning", ["lora", "frozen"])
def test_kept_features_change_nothing(make_encoder, views, tuning):
    """Encoded once, alone or in a batch, kept and given again: difference 0."""
    encoder = make_encoder(tuning=tuning)
    with torch.no_grad():
        direct = encoder(encoder.encode_views(views), MASKS, TEXTS)
        kept = torch.cat([encoder.encode_views(views[row : row + 1]) for row in range(len(TEXTS))]).clone()
        assert (encoder(kept, MASKS, TEXTS) - direct).abs().max() == 0


def test_a_view_is_encoded_by_itself(frozen_encoder, views):
    """Whatever views are beside it, and in whichever slot."""
    with torch.no_grad():
        all_features = frozen_encoder.encode_views(views[:1])
        others = random_views(1, 6, seed=5)
        others[0, 3] = views[0, 1]
        assert torch.equal(frozen_encoder.encode_views(others)[0, 3], all_features[0, 1])


def test_black_views_are_encoded_as_what_they_are(frozen_encoder, views):
    with torch.no_grad():
        features = frozen_encoder.encode_views(views)
        black = frozen_encoder.encode_views(torch.zeros(1, 1, 3, 56, 56))[0, 0]
        expected = frozen_encoder._vision_tower(torch.zeros(1, 3, 56, 56))[0]
    assert torch.equal(black, expected)
    assert (features[~MASKS] == black).all()
    assert features.shape == (len(TEXTS), 6, 4, 64)


def test_what_is_masked_does_not_matter(frozen_encoder, views):
    with torch.no_grad():
        features = frozen_encoder.encode_views(views)
        disturbed = torch.where(MASKS[..., None, None], features, torch.tensor(1e6))
        assert torch.equal(frozen_encoder(disturbed, MASKS, TEXTS), frozen_encoder(features, MASKS, TEXTS))


def test_every_view_the_slots_and_the_text_matter(frozen_encoder, views):
    features = frozen_encoder.encode_views(views)[:1]
    mask = MASKS[:1]

    def encode(features=features, mask=mask, text="hand me the mug"):
        with torch.no_grad():
            return frozen_encoder(features, mask, [text])

    usual = encode()
    assert not torch.allclose(usual, encode(text="hand me the hammer"))
    assert not torch.allclose(usual, encode(features=features[:, [1, 0, 2, 3, 4, 5]]))
    for slot in range(6):
        fewer = mask.clone()
        fewer[0, slot] = False
        assert not torch.allclose(usual, encode(mask=fewer))


def test_naming_views_tells_slots_apart(make_encoder, views):
    """One picture in two slots: the same prompt without names, another one with them."""
    front, back = torch.tensor([[1, 0, 0, 0, 0, 0]]).bool(), torch.tensor([[0, 1, 0, 0, 0, 0]]).bool()
    for name_views in (False, True):
        encoder = make_encoder(tuning="frozen", name_views=name_views)
        with torch.no_grad():
            features = encoder.encode_views(views[:1, :1].expand(-1, 6, -1, -1, -1))
            same = torch.equal(encoder(features, front, ["hold"]), encoder(features, back, ["hold"]))
        assert same is not name_views


def test_bfloat16_weights_give_float32_output_nearby(make_encoder, frozen_encoder, views):
    encoder = make_encoder(tuning="frozen", dtype="bfloat16")
    encoder.head.load_state_dict(frozen_encoder.head.state_dict())
    with torch.no_grad():
        features = encoder.encode_views(views)
        found = encoder(features, MASKS, TEXTS)
        expected = frozen_encoder(frozen_encoder.encode_views(views), MASKS, TEXTS)
    assert features.dtype == torch.bfloat16
    assert found.dtype == torch.float32
    assert all(weight.dtype == torch.bfloat16 for weight in encoder.backbone.parameters())
    assert torch.nn.functional.cosine_similarity(found, expected).min() > 0.99
    assert not torch.equal(found, expected)


def test_autocast_changes_neither_kept_features_nor_the_output_type(frozen_encoder, views):
    with torch.no_grad():
        features = frozen_encoder.encode_views(views)
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(frozen_encoder.encode_views(views), features)
            assert frozen_encoder(features, MASKS, TEXTS).dtype == torch.float32


def test_long_instructions_are_refused(frozen_encoder, views):
    features = frozen_encoder.encode_views(views[:1])
    with pytest.raises(InstructionTooLongError):
        frozen_encoder(features, MASKS[:1], ["mug " * 251])
