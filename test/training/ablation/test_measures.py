import pytest
import torch
from torch import nn

from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.model_outputs import ModelSample
from training.ablation.base_experiment import DEBUG_ABLATION_EXPERIMENT
from training.ablation.judged_cases import judged_cases
from training.ablation.measures import MEASURES, best_matches, judge_samples, vertex_distances
from training.ablation.validation_losses import validation_losses

NUM_POINTS = 128


class Oracle(nn.Module):
    """Answers with the first known grasp of each case in turn, moved by a shift, and with its true contact map."""

    def __init__(self, store, cases, shift_m=0.0):
        super().__init__()
        self.store, self.waiting, self.shift = store, list(zip(store.groups, cases, strict=False)), shift_m

    def sample(self, points, views, texts, num_candidates, random):
        del views, texts, random
        vectors, probabilities = [], []
        for seen in points:
            group, case = self.waiting.pop(0)
            assert torch.equal(seen, case.seen_points)
            index = group.grasp_indices[0]
            vector = self.store.vectors[index].clone()
            vector[:3] = matrix_to_axis_angle(case.rotation @ axis_angle_to_matrix(vector[:3]))
            vector[58:] = case.rotation @ vector[58:] - case.origin + torch.tensor([0.0, 0.0, self.shift])
            of_points = torch.cdist(case.points, self.store.clouds[group.object_index]).argmin(dim=1)
            targets = soft_contact_targets(self.store.distances[index][of_points].float())
            vectors.append(vector.expand(num_candidates, -1))
            probabilities.append(targets.expand(num_candidates, -1, -1))
        return ModelSample(torch.stack(vectors), torch.stack(probabilities))


def test_right_answers_are_judged_right(store, layer):
    cases = judged_cases(store, layer, NUM_POINTS, seed=1)
    figures = judge_samples(Oracle(store, cases), cases, layer, num_samples=2)
    assert figures["vertex_error_mm"] == pytest.approx(0, abs=0.01)
    assert figures["hand_f1"] == pytest.approx(1, abs=0.01)
    assert figures["map_f1"] == pytest.approx(1, abs=0.01)
    assert figures["diversity_mm"] == pytest.approx(0, abs=1e-3)
    # One known grasp is met and the others of its case are missed.
    assert figures["missed_mm"] > 1


def test_a_shift_of_all_vertices_is_the_error(store, layer):
    cases = judged_cases(store, layer, NUM_POINTS, seed=1)
    figures = judge_samples(Oracle(store, cases, shift_m=0.003), cases, layer, num_samples=1)
    assert figures["vertex_error_mm"] == pytest.approx(3, abs=0.05)
    assert 0.3 < figures["hand_f1"] < 0.99


def test_vertex_distance_by_hand():
    first = torch.zeros(1, 2, 3)
    second = torch.tensor([[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]]])
    assert torch.allclose(vertex_distances(first, second), torch.tensor([[3.0, 1.0]]))


def test_best_match_by_hand():
    # Two of three found and one too many: F1 = 2 * 2 / (3 + 3); the other right map has nothing in common.
    right = torch.zeros(2, 6, 6, dtype=torch.bool)
    right[0, :3, 1] = True
    right[1, 4, 4] = True
    predicted = torch.zeros(1, 6, 6, dtype=torch.bool)
    predicted[0, 1:4, 1] = True
    assert best_matches(predicted.numpy(), right.numpy()) == pytest.approx([2 / 3])


def test_hidden_views_and_another_length_scale_matter(store, layer):
    torch.manual_seed(0)
    model = build_grasp_model(DEBUG_ABLATION_EXPERIMENT.model)
    cases = judged_cases(store, layer, NUM_POINTS, seed=1, max_cases=2)
    shown = judge_samples(model, cases, layer, num_samples=2)
    again = judge_samples(model, cases, layer, num_samples=2)
    hidden = judge_samples(model, cases, layer, num_samples=2, show_views=False)
    longer = judge_samples(model, cases, layer, num_samples=2, soft_target_tau_m=0.03)
    del shown["sample_ms"], again["sample_ms"]
    assert shown == again
    assert shown["vertex_error_mm"] != hidden["vertex_error_mm"]
    assert longer["vertex_error_mm"] == shown["vertex_error_mm"]
    assert longer["map_f1"] != shown["map_f1"]


def test_validation_losses_repeat_and_know_a_worse_model(store):
    torch.manual_seed(0)
    model = build_grasp_model(DEBUG_ABLATION_EXPERIMENT.model)
    model.fit_targets(store.vectors)
    losses = validation_losses(model, store, DEBUG_ABLATION_EXPERIMENT, seed=0, max_items=4)
    assert losses == validation_losses(model, store, DEBUG_ABLATION_EXPERIMENT, seed=0, max_items=4)
    assert {measure.name for measure in MEASURES} > set(losses)
    with torch.no_grad():
        for parameter in model.flow.parameters():
            parameter.mul_(5)
    worse = validation_losses(model, store, DEBUG_ABLATION_EXPERIMENT, seed=0, max_items=4)
    assert worse["flow_loss"] > losses["flow_loss"]
    assert worse["contact_loss"] == losses["contact_loss"]
