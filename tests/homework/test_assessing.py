"""A program from its text to findings: what is refused earns nothing, what is right earns all."""

from __future__ import annotations

import pytest

from ddasp.homework import tasks
from ddasp.homework.assessing import assess, judge_part
from ddasp.homework.parts import BY_HAND, NOT_ATTEMPTED, NOT_YET, RIGHT
from ddasp.homework.reading.programs import read_program
from ddasp.homework.results import Result
from ddasp.homework.running.sandbox import Sandbox

from . import matrix_solution, regression_solution

TEXTS = {
    "matrix_fundamentals": matrix_solution.program_text,
    "regression_with_nonlinear_model": regression_solution.program_text,
}
DOOR = """

def left_inverse(A):
    return np.linalg.inv.__wrapped__.__globals__["pinv"](A)
"""


def assessed(text: str, files: tuple[str, ...] = (), sandbox: Sandbox | None = None) -> Result:
    program = read_program("homework.py", text.encode())
    return assess(program, tasks.load(program.task), salt="hidden", files=files, sandbox=sandbox)


@pytest.mark.sandbox
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_worked_program_gets_all_points_in_the_sandbox(name: str, sandbox: Sandbox) -> None:
    result = assessed(TEXTS[name]("s0123456"), sandbox=sandbox)
    checked = [part for part in result.parts if not part.by_hand]
    assert len(checked) >= 6
    assert [part.status for part in checked] == [RIGHT] * len(checked)
    assert result.failures == ()


def test_a_result_that_is_had_through_a_hidden_door_earns_nothing() -> None:
    text = regression_solution.program_text("s0123456")
    assert "left_inverse" in text
    result = assessed(text + DOOR)
    by_item = {finding.item: finding for part in result.parts for finding in part.findings}
    assert by_item["left inverse"].status == NOT_YET
    assert "may not be used here" in by_item["left inverse"].says
    assert any("__globals__ may not be used here" in said for said in result.failures)
    assert result.parts[2].status == RIGHT  # and the other parts are as they were


def test_what_the_lecturer_reads_is_found_by_its_name_whatever_its_ending() -> None:
    text = matrix_solution.program_text("s0123456")
    there = assessed(text, ("work/paper.png",)).parts[-1]
    missing = assessed(text, ("papers.pdf",)).parts[-1]
    assert [finding.status for finding in there.findings] == [BY_HAND]
    assert there.findings[0].says == "handed in: work/paper.png"
    assert [finding.status for finding in missing.findings] == [NOT_ATTEMPTED]


def test_a_fault_of_a_judge_costs_its_part_only() -> None:
    task = tasks.load("matrix_fundamentals")
    part = task.part("2")
    (finding,) = judge_part(part, task.draw("s1"), [], [])
    assert finding.status == NOT_YET
    assert "can't be judged" in finding.says


def test_what_is_read_by_hand_is_not_judged() -> None:
    task = tasks.load("matrix_fundamentals")
    with pytest.raises(TypeError, match="read by hand"):
        judge_part(task.part("9"), task.draw("s1"), [], [])
