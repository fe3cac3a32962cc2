import numpy as np
import pytest

from processor.valuation.frame import Floats
from processor.valuation.ridge import Regression, huber_weights, robust_sd


def problem(n: int = 300) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(4)
    design = np.rint(draw.normal(size=(n, 6)) * 1_024) / 1_024
    return design, design @ np.array([1.0, -0.5, 0.2, 0.0, 0.3, 2.0]) + draw.normal(0, 0.3, n)


def regression(design: Floats, target: Floats, prior: Floats | None = None) -> Regression:
    believed = np.zeros(design.shape[1]) if prior is None else prior
    return Regression(target, lambda rows: design[rows], believed, lambda ridge, _: ridge * np.eye(design.shape[1]))


def test_a_row_left_out_is_missed_by_as_much_as_without_it() -> None:
    design, target = problem()
    solution = regression(design, target).solve_robustly()
    ridge = regression(design, target)._best_ridge(
        (design * solution.weight[:, None]).T @ design,
        (design * solution.weight[:, None]).T @ target,
        solution.weight,
        robust_sd(target),
    )
    for row in (0, 17, 299):
        kept = np.arange(300) != row
        weighted = design[kept] * solution.weight[kept, None]
        without = np.linalg.solve(weighted.T @ design[kept] + ridge * np.eye(6), weighted.T @ target[kept])
        assert solution.left_out[row] == pytest.approx(target[row] - design[row] @ without, abs=1e-6)
        assert abs(solution.left_out[row]) > abs(solution.residual[row])


def test_what_is_far_off_hardly_counts() -> None:
    design, target = problem()
    clean = regression(design, target).solve_robustly()
    target[::20] += 50
    dirty = regression(design, target).solve_robustly()
    assert np.abs(clean.coefficients - dirty.coefficients).max() < 0.2
    assert dirty.weight[::20].max() < 0.1


def test_beliefs_stand_until_rows_say_otherwise() -> None:
    design, target = problem()
    believed = np.array([5.0, 5.0, 5.0, 5.0, 5.0, 5.0])
    few = regression(design[:3], target[:3], believed).solve_robustly().coefficients
    many = regression(design, target, believed).solve_robustly().coefficients
    assert np.abs(many - [1.0, -0.5, 0.2, 0.0, 0.3, 2.0]).max() < 0.15
    assert np.abs(few - believed).min() < np.abs(many - believed).min()


def test_blocks_of_rows_give_what_all_rows_give() -> None:
    design, target = problem(5_000)
    solution = regression(design, target).solve_robustly()
    weighted = design * solution.weight[:, None]
    gram, moment = regression(design, target)._normal_equations(solution.weight)
    assert np.allclose(gram, weighted.T @ design)
    assert np.allclose(moment, weighted.T @ target)
    assert np.allclose(solution.residual, target - design @ solution.coefficients)


def test_ordinary_residuals_have_full_weight() -> None:
    assert huber_weights(np.array([0.1, -0.2, 0.8]), 0.1).tolist() == pytest.approx([1.0, 1.0, 0.25])
    assert robust_sd(np.zeros(5)) == 0.02
