import pytest
from PIL import Image

from funcgrasp_core.errors import InvalidFileError
from training.plot_curves import main
from training.run.metrics_file import read_curves
from training.run.run_log import RunLog


def test_curves_of_a_run_log(tmp_path):
    log = RunLog(tmp_path)
    for step in (1, 2):
        log.record(step, "train", {"total": 1.0 / step, "contact": 0.5})
    log.record(2, "val", {"total": 0.7})
    curves = read_curves(tmp_path / "metrics.csv")
    assert curves["total"] == {"train": [(1, 1.0), (2, 0.5)], "val": [(2, 0.7)]}
    pytest.importorskip("matplotlib")
    main([str(tmp_path / "metrics.csv"), "--output", str(tmp_path / "curves.png")])
    assert Image.open(tmp_path / "curves.png").width > 300


def test_other_file_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidFileError, match=r"not the metrics\.csv"):
        read_curves(tmp_path / "other.csv")
