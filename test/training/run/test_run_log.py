import pytest

from training.run.run_log import RunLog


def numbers(folder):
    return (folder / "metrics.csv").read_text().splitlines()


def test_going_on_drops_what_will_be_recorded_again(tmp_path):
    log = RunLog(tmp_path)
    for step in (1, 2, 3):
        log.record(step, "train", {"total": step})
    log.go_on_from(2)
    assert numbers(tmp_path) == ["step,split,name,value", "1,train,total,1", "2,train,total,2"]
    assert log.curves() == {"total": {"train": [(1, 1.0), (2, 2.0)]}}


@pytest.mark.parametrize("left", ["", "step,sp"])
def test_a_file_that_was_cut_off_in_its_first_line_is_begun_anew(tmp_path, left):
    log = RunLog(tmp_path)
    (tmp_path / "metrics.csv").write_text(left)
    log.go_on_from(0)
    assert log.curves() == {}
    log.record(1, "val", {"f1": 0.5})
    assert numbers(tmp_path) == ["step,split,name,value", "1,val,f1,0.5"]


def test_a_silent_log_writes_nothing(tmp_path):
    log = RunLog(tmp_path / "run", is_silent=True)
    log.record(1, "train", {"total": 1.0})
    log.go_on_from(1)
    log.say("nobody hears this")
    assert not (tmp_path / "run").exists()
