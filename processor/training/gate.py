"""The publication gate: a model serves only if its forward study could be shown to an auditor.

A statistic fails when it is out of bounds by more than its own sampling error, so that a small county is held to what
its sales can show. Nothing that fails is published without being forced, and everything that fails is said.
"""

from typing import Final

from processor.ratio_study import Study

Interval = tuple[float, float]
_LEVEL: Final = (0.95, 1.05)
_COD: Final = 15.0
_PRD: Final = (0.98, 1.03)
_PRB: Final = 0.05
_VEI: Final = 10.0
_COVERAGE: Final = (87.0, 93.0)
_ANY_LEVEL: Final = (0.90, 1.10)
_FEWEST: Final = 30
_Z: Final = 1.96


def objections(found: Study) -> list[str]:
    """Return what speaks against letting a model with this study serve."""
    checks = (
        f"the study has {found.n} sales; {_FEWEST} are needed" if found.n < _FEWEST else None,
        _outside("median ratio", found.median_ratio, None, _ANY_LEVEL),
        _outside("median ratio", found.median_ratio, found.median_ci, _LEVEL),
        _outside("COD", found.cod, found.cod_ci, (0.0, _COD)),
        _outside("PRD", found.prd, found.prd_ci, _PRD),
        _outside("PRB", found.prb, found.prb_ci, (-_PRB, _PRB)),
        _vertical(found),
        _covered(found),
    )
    return [check for check in checks if check is not None]


def _outside(name: str, value: float | None, interval: Interval | None, bounds: Interval) -> str | None:
    if value is None:
        return f"{name} cannot be computed"
    low, high = interval or (value, value)
    if bounds[0] <= value <= bounds[1] or (low <= bounds[1] and high >= bounds[0]):
        return None
    return f"{name} {value:.3f} [{low:.3f} to {high:.3f}] lies outside {bounds[0]:g} to {bounds[1]:g}"


def _vertical(found: Study) -> str | None:
    if found.vei is None or abs(found.vei) <= _VEI or (found.vei_significance or 0.0) <= _VEI:
        return None
    return f"VEI {found.vei:.1f} % (significance {found.vei_significance:.1f} %) lies outside -{_VEI:g} to {_VEI:g} %"


def _covered(found: Study) -> str | None:
    if found.coverage_90 is None:
        return "the coverage of the 90 % interval is not known"
    error = _Z * (100.0 * 90.0 * 10.0 / max(found.n, 1)) ** 0.5 / 10.0
    return _outside(
        "coverage of the 90 % interval",
        found.coverage_90,
        (found.coverage_90 - error, found.coverage_90 + error),
        _COVERAGE,
    )


def worse(found: Study, serving: Study | None) -> str | None:
    """Say whether a model is worse than the one in service, beyond the sampling error of both studies."""
    if serving is None or found.cod is None or serving.cod_ci is None or found.cod_ci is None:
        return None
    if found.cod_ci[0] <= serving.cod_ci[1]:
        return None
    return f"COD {found.cod:.2f} is worse than the {serving.cod:.2f} of the model in service, beyond noise"
