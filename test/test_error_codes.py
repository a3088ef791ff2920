"""The numbers of errors.py and of GraspPlan.msg are the same, so that both sides of the service agree."""

import re
from pathlib import Path

from funcgrasp_core.errors import FuncGraspError, error_codes

MESSAGE_FILE = Path(__file__).parent.parent / "msg" / "GraspPlan.msg"
CODE_CONSTANT = re.compile(r"^uint16\s+([A-Z][A-Z0-9_]*)\s*=\s*(\d+)\s*(?:#.*)?$", re.MULTILINE)


def _all_children(error: type[FuncGraspError]) -> list[type[FuncGraspError]]:
    children = list(error.__subclasses__())
    return children + [grandchild for child in children for grandchild in _all_children(child)]


def test_message_constants_equal_the_error_codes():
    constants = {name: int(number) for name, number in CODE_CONSTANT.findall(MESSAGE_FILE.read_text())}
    assert constants == error_codes()


def test_every_error_has_its_own_number_and_name():
    errors = [FuncGraspError, *_all_children(FuncGraspError)]
    assert len({error.code for error in errors}) == len(errors)
    assert len({error.code_name for error in errors}) == len(errors)
    assert 0 not in {error.code for error in errors}
