"""The sample county: BENTON, generated, the same bytes on every machine.

How prices come about is written down in ``houses`` and ``market``, so that anyone can compare what a model learned
with what is true.
"""

from deploy.sample.county import SampleCounty, sample_county

__all__ = ["SampleCounty", "sample_county"]
