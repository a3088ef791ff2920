import dataclasses
import re

import pytest
from small_runs import QUICK, make_trainer, small_funcgrasp_v2

from training.run.log_lines import (
    RunningMeans,
    class_accuracy_line,
    training_line,
    validation_batch_lines,
    validation_lines,
)

CLASSES = {f"acc_{name}": 0.0 for name in ("palm", "thumb", "index", "middle", "ring", "pinky")} | {
    "acc_no_contact": 1.0
}


def test_training_line():
    means = RunningMeans()
    means.add({"total": 1.8254, "contact": 0.4532, "flow": 1.1456, "accuracy": 0.853})
    values = {"total": 1.7332, "contact": 0.4102, "flow": 1.1179, "accuracy": 0.775}
    means.add(values)
    assert training_line(1, 20, 1217, values, means) == (
        "Epoch 1 [20/1217] Loss: 1.7332 (avg: 1.7793) C_Loss: 0.4102 (avg: 0.4317) F_Loss: 1.1179 (avg: 1.1317) "
        "C_Acc: 0.775 (avg: 0.814)"
    )


def test_further_terms_stand_at_the_end_of_the_line():
    values = {"total": 2.0, "contact": 0.5, "flow": 1.0, "mode": 0.25, "accuracy": 0.5}
    means = RunningMeans()
    means.add(values)
    assert training_line(3, 1, 5, values, means).endswith("C_Acc: 0.500 (avg: 0.500) Mode_Loss: 0.2500 (avg: 0.2500)")


def test_validation_lines():
    metrics = CLASSES | {"accuracy": 0.841}
    assert validation_batch_lines(1, 2, 0.41214, metrics, 0.841) == [
        "Validation [1/2] Loss: 0.4121 C_Acc: 0.841 (avg: 0.841)",
        "  Per-Class Acc: no_c=1.000 palm=0.000 thumb=0.000 index=0.000 mid=0.000 ring=0.000 pinky=0.000",
    ]
    values = CLASSES | {"total": 0.417, "contact": 0.1, "flow": 0.27, "accuracy": 0.861, "f1": 0.7481}
    assert validation_lines(values) == [
        "Val - Loss: 0.4170, Acc: 0.861, F1: 0.748",
        class_accuracy_line(CLASSES),
        "  contact 0.1000 flow 0.2700",
    ]
    assert "palm=nan" in class_accuracy_line(CLASSES | {"acc_palm": float("nan")})


@pytest.mark.parametrize(("experiment", "has_mode"), [(QUICK, True), (small_funcgrasp_v2(), False)])
def test_a_run_writes_these_lines(tmp_path, experiment, has_mode):
    report = dataclasses.replace(experiment.report, max_validation_items=5)
    make_trainer(tmp_path, dataclasses.replace(experiment, report=report)).run()
    lines = [line.split(" ", 2)[2] for line in (tmp_path / "logs" / "run.log").read_text().splitlines()]
    number, mean = r"\d+\.\d{4} \(avg: \d+\.\d{4}\)", r"\d\.\d{3} \(avg: \d\.\d{3}\)"
    mode = f" Mode_Loss: {number}" if has_mode else ""
    trained = [line for line in lines if line.startswith("Epoch")]
    assert len(trained) == 6
    for line in trained:
        pattern = rf"Epoch \d \[\d/\d\] Loss: {number} C_Loss: {number} F_Loss: {number} C_Acc: {mean}{mode}"
        assert re.fullmatch(pattern, line), line
    start = lines.index("Validation at step 3") - 1
    block = lines[start : lines.index("=" * 80, start + 3) + 1]
    assert block[0] == block[2] == block[-1] == "=" * 80
    num_batches = -(-5 // experiment.items.batch_size)
    for position in range(num_batches):
        assert block[3 + 2 * position].startswith(f"Validation [{position + 1}/{num_batches}] Loss: ")
        assert block[4 + 2 * position].startswith("  Per-Class Acc: no_c=")
    assert re.fullmatch(r"Val - Loss: \d+\.\d{4}, Acc: \d\.\d{3}, F1: \d\.\d{3}", block[3 + 2 * num_batches])
    assert "sampled_vertex_error_mm" in block[-2]


def test_the_folder_of_a_run(tmp_path):
    make_trainer(tmp_path).run(last_step=1)
    (log,) = (tmp_path / "logs").glob("train_*.log")
    assert re.fullmatch(r"train_\d{8}_\d{6}\.log", log.name)
    assert (tmp_path / "logs" / "run.log").resolve() == log
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", log.read_text())
    assert list((tmp_path / "tensorboard").glob("events*"))
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0] == "step,split,name,value"
