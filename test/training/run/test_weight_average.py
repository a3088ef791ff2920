import pytest
import torch
from torch import nn

from funcgrasp_core.errors import ConfigurationError
from training.run.weight_average import WeightAverage


def test_the_average_follows_and_the_model_gets_its_own_weights_back():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = WeightAverage(model, decay=0.5)
    nn.init.constant_(model.weight, 1.0)
    average.update(step=100)
    with average.in_place():
        assert float(model.weight.detach()) == 0.5
    assert float(model.weight.detach()) == 1.0


def test_it_moves_faster_in_the_first_steps():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = WeightAverage(model, decay=0.999)
    nn.init.constant_(model.weight, 1.0)
    average.update(step=1)
    assert float(average.weights["weight"]) == pytest.approx(10 / 11)


def test_what_is_frozen_is_not_followed():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(requires_grad=False)
    assert set(WeightAverage(model, 0.9).weights) == {"weight"}


def test_weights_whose_average_would_stand_still_are_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).to(torch.bfloat16))
    with pytest.raises(ConfigurationError, match="set ema_decay to 0"):
        WeightAverage(model, 0.999)
    model[1].requires_grad_(requires_grad=False)
    assert len(WeightAverage(model, 0.999).weights) == 2
