import dataclasses
import re
import sys

import pytest
import torch
from small_runs import QUICK, make_trainer, small_funcgrasp_v2, small_store

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import contact_labels_from_probabilities
from training.data.augmentation import OFF
from training.data.epoch_order import SeededItem
from training.experiments import DEBUG_EXPERIMENT, FUNCGRASP_V2_EXPERIMENT
from training.metrics.contact_metrics import compute_contact_metrics
from training.run.contact_tally import ContactTally
from training.run.item_source import ItemSource
from training.run.qualitative_pages import page_items
from training.run.sampled_grasps import compare_sample
from training.run.validation import validation_items


def test_tallies_of_batches_give_the_metrics_of_all_points():
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.rand(6, 50, 6, generator=generator) ** 4
    true = torch.randint(6, (6, 50), generator=generator)  # no point of the last class
    tally = ContactTally()
    for rows in (slice(0, 1), slice(1, 4), slice(4, 6)):
        tally.add(contact_labels_from_probabilities(probabilities[rows]), true[rows])
    expected = compute_contact_metrics(probabilities, true)
    assert tally.metrics() == pytest.approx(expected, nan_ok=True)
    assert ContactTally(tally.counts.clone()).metrics()["f1"] == pytest.approx(expected["f1"])


def test_validation_repeats_itself_whatever_the_batch_and_leaves_the_generators_alone(tmp_path):
    trainer = make_trainer(tmp_path)
    before = torch.get_rng_state()
    first = trainer.validator.validate(trainer.model, 1, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert trainer.validator.validate(trainer.model, 1, 0) == first
    trainer.validator.validation = dataclasses.replace(trainer.validator.validation, batch_size=1)
    assert trainer.validator.validate(trainer.model, 1, 0) == pytest.approx(first, rel=1e-5, nan_ok=True)
    assert {"total", "contact", "flow", "mode", "accuracy", "precision", "recall", "f1", "acc_palm"} <= first.keys()
    assert {"sampled_vertex_error_mm", "sampled_map_f1"} <= first.keys()


def test_the_averaged_weights_are_validated_and_the_trained_ones_come_back(tmp_path):
    trainer = make_trainer(tmp_path)
    trainer.run(last_step=2)
    assert trainer.average is not None
    trained = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    with trainer.averaged():
        for name, parameter in trainer.model.named_parameters():
            assert torch.equal(parameter, trainer.average.weights[name])
    for name, parameter in trainer.model.named_parameters():
        assert torch.equal(parameter, trained[name]), name
    assert any(not torch.equal(trained[name], trainer.average.weights[name]) for name in trained)


def test_items_of_a_validation():
    some = validation_items(100, 50, seed=1)
    assert len({item.index for item in some}) == 50
    assert some == validation_items(100, 50, seed=1)
    assert sorted(item.index for item in validation_items(7, None, seed=1)) == list(range(7))


def test_pages_show_other_items_each_time_and_the_same_again():
    chosen = [tuple(item.index for item in page_items(1000, 3, seed=0, step=step)) for step in range(20)]
    assert len(set(chosen)) == 20
    assert chosen[7] == tuple(item.index for item in page_items(1000, 3, seed=0, step=7))


def test_a_sampled_grasp_is_compared_with_the_nearest_known_one(tmp_path):
    trainer = make_trainer(tmp_path)
    source, item = trainer.validator.source, SeededItem(2, 5)
    compared = compare_sample(trainer.model, source, item, trainer.validator.hand_layer, 0.01)
    hand_layer = trainer.validator.hand_layer
    known = hand_layer.from_vector(compared.batch.vectors[0]).vertices
    errors = (known - torch.from_numpy(compared.hand_vertices)).norm(dim=-1).mean(dim=-1)
    assert known.shape[0] == 3
    assert compared.vertex_error_m == pytest.approx(float(errors.min()))


def test_items_are_groups_or_single_grasps():
    store, v2 = small_store(0), FUNCGRASP_V2_EXPERIMENT
    uncentred = dataclasses.replace(store, origin="mesh")
    phrasing = lambda group: (group.category,)  # noqa: E731
    groups = ItemSource(store, QUICK.items, 128, QUICK.augmentation, phrasing)
    grasps = ItemSource(uncentred, v2.items, 128, OFF, phrasing)
    assert (len(groups), len(grasps)) == (6, 18)
    assert groups.draw([SeededItem(1, 0), SeededItem(4, 1)]).vectors.shape == (2, 2, 61)
    batch = grasps.draw([SeededItem(number, 0) for number in range(18)])
    assert batch.vectors.shape == (18, 1, 61)
    assert batch.contact_distances.shape == (18, 1, 128, 6)
    known = grasps.draw_with_known(SeededItem(7, 0))
    assert torch.equal(known.vectors[0, 0], batch.vectors[7, 0])
    assert known.vectors.shape == (1, 3, 61)
    assert grasps.name_of(SeededItem(7, 0)) == ("mug", "C00002")


def test_pages_of_predicted_and_known_grasps(tmp_path):
    make_trainer(tmp_path, DEBUG_EXPERIMENT).run(last_step=3)
    (folder,) = (tmp_path / "visualizations").iterdir()
    assert folder.name == "step_000003_epoch_000"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2
    truth, predicted = names
    stem = re.fullmatch(r"(sample_0_(mug|bowl)_C0000\d)_groundtruth\.html", truth)
    assert stem is not None
    assert predicted == f"{stem[1]}_predicted.html"
    pages = [(folder / name).read_text() for name in names]
    assert "(ground truth)" in pages[0]
    assert "(predicted)" in pages[1]
    assert pages[0] != pages[1]
    assert all("K3D" in page and "http://" not in page.split("<script")[0] for page in pages)


def test_without_k3d_training_goes_on_and_says_so_once(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "k3d", None)
    make_trainer(tmp_path, DEBUG_EXPERIMENT).run()
    log = (tmp_path / "logs" / "run.log").read_text()
    assert log.count("no pages of sampled grasps") == 1
    assert log.count("Validation at step") == 2


def test_the_best_state_is_kept(tmp_path):
    report = dataclasses.replace(
        QUICK.report, best_metric="flow", best_is_lowest=True, num_kept_states=1, validation_interval=1
    )
    trainer = make_trainer(tmp_path, dataclasses.replace(QUICK, report=report))
    trainer.run()
    rows = [line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines()]
    by_step = {int(step): float(value) for step, split, name, value in rows[1:] if (split, name) == ("val", "flow")}
    best = min(by_step, key=lambda step: by_step[step])
    state = torch.load(tmp_path / "states" / "best.pt", weights_only=True)
    assert state["progress"]["step"] == best
    kept = {path.name for path in (tmp_path / "states").glob("state_*")}
    assert kept == {f"state_{best:08d}.pt", "state_00000006.pt"}


def test_a_metric_that_is_not_measured_is_refused(tmp_path):
    report = dataclasses.replace(QUICK.report, best_metric="accurracy")
    with pytest.raises(ConfigurationError, match=r"no metric 'accurracy'; there are acc_index"):
        make_trainer(tmp_path, dataclasses.replace(QUICK, report=report)).run()


def test_pages_of_a_split_that_was_not_read_are_refused(tmp_path):
    report = dataclasses.replace(small_funcgrasp_v2().report, qual_source="test")
    with pytest.raises(ConfigurationError, match="split 'test', which was not read"):
        make_trainer(tmp_path, dataclasses.replace(small_funcgrasp_v2(), report=report))
