"""Ratio studies: how values compare with prices (IAAO Standard on Ratio Studies, 2013 and its 2025 draft)."""

from processor.ratio_study.errors import NoUsableSales, RatioStudyError, UnreadableFile
from processor.ratio_study.statistics import Interval
from processor.ratio_study.study import Study, study, trimmed_study
from processor.ratio_study.vertical import Groups

__all__ = [
    "Groups",
    "Interval",
    "NoUsableSales",
    "RatioStudyError",
    "Study",
    "UnreadableFile",
    "study",
    "trimmed_study",
]
