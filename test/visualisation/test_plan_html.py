import re

import numpy as np
import pytest

from funcgrasp_core.visualisation.plan_html import plan_page


@pytest.fixture(scope="module")
def page(plan):
    return plan_page(plan)


def test_page_loads_nothing_from_elsewhere(page):
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)\s*=", markup)
    assert not re.findall(r"<script[^>]*\ssrc", page)
    assert "url(http" not in page


def test_page_shows_instruction_as_text_scores_and_notes(page):
    assert "drink &amp; &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page
    assert "<title>FuncGrasp: drink" in page
    assert [float(value) for value in re.findall(r"<td>(0\.\d{3})</td>", page)] == [0.9, 0.65]
    assert "No views were given." in page
    for part in ("palm", "thumb", "index", "middle", "ring", "pinky"):
        assert f"</span>{part}</span>" in page


def test_page_holds_one_selectable_hand_per_grasp(page, plan):
    ids = re.search(r"const handIds = \[(.*?)\]", page)
    assert ids is not None
    assert len(set(ids.group(1).split(","))) == len(plan.grasps)


def test_object_mesh_enlarges_the_scene(plan, page):
    vertices = np.random.default_rng(0).normal(size=(3000, 3))
    faces = np.arange(3000).reshape(-1, 3)
    assert len(plan_page(plan, (vertices, faces))) > len(page) + 10_000
