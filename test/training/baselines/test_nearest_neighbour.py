"""The nearest neighbour finds shape, yaw and instruction by cloud and text alone."""

import numpy as np
import pytest

from funcgrasp_core.errors import ConfigurationError
from training.baselines.nearest_neighbour import KnownGrasps, NearestNeighbour, rotation_about_z, shape_descriptor
from training.baselines.text_similarity import TextIndex, words_of


def cylinder_with_handle(radius, height, generator, num_points=1500):
    """A cylinder's side and a bar of points on its +x side; centred on its box."""
    angles, heights = (
        generator.uniform(0, 2 * np.pi, num_points),
        generator.uniform(-height / 2, height / 2, num_points),
    )
    side = np.stack([radius * np.cos(angles), radius * np.sin(angles), heights], axis=-1)
    bar = np.stack(
        [np.full(300, radius + 0.03), generator.uniform(-0.005, 0.005, 300), generator.uniform(-0.02, 0.02, 300)], -1
    )
    points = np.concatenate([side, bar])
    return points - (points.min(axis=0) + points.max(axis=0)) / 2


@pytest.fixture
def library():
    generator = np.random.default_rng(0)
    clouds = [
        cylinder_with_handle(0.04, 0.10, generator),
        cylinder_with_handle(0.03, 0.22, generator),
        cylinder_with_handle(0.07, 0.05, generator),
    ]
    bar_hand = np.array([[[0.09, 0.0, 0.0], [0.09, 0.01, 0.0]]])
    side_hand = np.array([[[-0.09, 0.0, 0.0], [-0.09, 0.01, 0.0]]])
    groups = [
        KnownGrasps(index, sentences, hands)
        for index in range(3)
        for sentences, hands in (
            (["take a sip of coffee", "drink from it"], bar_hand),
            (["hand it to me", "pass it over"], side_hand),
        )
    ]
    return clouds, groups, NearestNeighbour(clouds, groups)


@pytest.mark.parametrize("yaw_deg", [0, 70, 200])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_turned_and_shifted_training_object_is_recognised_and_its_grasp_turned_with_it(library, index, yaw_deg):
    clouds, groups, neighbour = library
    turn, shift = rotation_about_z(np.deg2rad(yaw_deg)), np.array([0.4, -0.1, 0.2])
    seen = clouds[index] @ turn.T + shift
    found = neighbour.retrieve(seen, "please drink from it", np.random.default_rng(1))
    assert groups[found.group_index].object_index == index
    expected = groups[2 * index].hands[0] @ turn.T + shift
    np.testing.assert_allclose(found.hand, expected, atol=0.004)


def test_the_text_decides_between_the_grasps_of_an_object(library):
    clouds, groups, neighbour = library
    drink = neighbour.retrieve(clouds[0], "Drink some coffee!", np.random.default_rng(0))
    hand = neighbour.retrieve(clouds[0], "Could you pass it to me?", np.random.default_rng(0))
    assert groups[drink.group_index].sentences[1] == "drink from it"
    assert groups[hand.group_index].sentences[0] == "hand it to me"
    assert drink.hand[0, 0] > 0.08
    assert hand.hand[0, 0] < -0.08


def test_the_returned_hand_is_a_real_one(library):
    """Distances between its vertices are those of the stored hand: it was moved, not averaged."""
    clouds, groups, neighbour = library
    found = neighbour.retrieve(clouds[1] @ rotation_about_z(1.0).T, "pass it over", np.random.default_rng(0))
    stored = groups[found.group_index].hands[0]
    assert np.linalg.norm(found.hand[0] - found.hand[1]) == pytest.approx(np.linalg.norm(stored[0] - stored[1]))


def test_the_descriptor_does_not_change_with_yaw(library):
    cloud = library[0][0]
    np.testing.assert_allclose(shape_descriptor(cloud), shape_descriptor(cloud @ rotation_about_z(0.7).T), atol=1e-9)
    assert np.abs(shape_descriptor(cloud) - shape_descriptor(library[0][1])).max() > 0.01


def test_objects_without_grasps_are_never_returned(library):
    clouds, groups, _ = library
    neighbour = NearestNeighbour(clouds, groups[2:])
    found = neighbour.retrieve(clouds[0], "drink from it", np.random.default_rng(0))
    assert groups[2:][found.group_index].object_index != 0


def test_an_empty_library_is_refused():
    with pytest.raises(ConfigurationError, match="groups is empty"):
        NearestNeighbour([np.zeros((3, 3))], [])


def test_words_are_lower_case_and_without_punctuation():
    assert words_of("Hand me the mug, please!") == ["hand", "me", "the", "mug", "please"]


def test_rare_words_weigh_more_than_common_ones():
    """'the' occurs in every sentence; one word in common that is rare beats it."""
    index = TextIndex([["lift the mug"], ["drink the tea"], ["hold the bowl"]])
    similarities = index.similarities("drink the water")
    assert similarities.argmax() == 1
    assert similarities[0] == pytest.approx(similarities[2])
    assert similarities[1] > 2 * similarities[0]


def test_an_equal_sentence_has_similarity_one_and_unknown_words_zero():
    index = TextIndex([["lift the mug"], ["drink the tea", "sip"]])
    np.testing.assert_allclose(index.similarities("SIP"), [0.0, 1.0])
    np.testing.assert_allclose(index.similarities("xyzzy"), [0.0, 0.0])


def test_a_group_without_sentences_is_refused():
    with pytest.raises(ConfigurationError, match="sentences is empty"):
        TextIndex([["lift"], []])
