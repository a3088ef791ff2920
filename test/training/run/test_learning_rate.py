import pytest
import torch

from funcgrasp_core.errors import ConfigurationError
from training.run.learning_rate import EpochCosine, WarmupCosine


def test_warmup_and_cosine_by_hand():
    schedule = WarmupCosine(highest=1.0, lowest=0.1, warmup_steps=10)
    rates = [schedule.rate(step, num_steps=110, steps_per_epoch=7) for step in (0, 9, 60, 110)]
    assert rates == pytest.approx([0.1, 1.0, 0.55, 0.1])


def test_cosine_by_epochs_equals_torchs_scheduler():
    schedule = EpochCosine(highest=1e-4, lowest=1e-6, num_epochs=100)
    optimiser = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=100, eta_min=1e-6)
    for epoch in range(120):
        expected = torchs.get_last_lr()[0]
        for step in (0, 16):
            rate = schedule.rate(17 * epoch + step, num_steps=5, steps_per_epoch=17)
            assert rate == pytest.approx(expected, rel=1e-9)
        optimiser.step()
        torchs.step()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: WarmupCosine(highest=1e-4, lowest=1e-3),
        lambda: WarmupCosine(warmup_steps=-1),
        lambda: EpochCosine(highest=0.0, lowest=0.0),
        lambda: EpochCosine(num_epochs=0),
    ],
)
def test_impossible_schedules_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        wrong()
