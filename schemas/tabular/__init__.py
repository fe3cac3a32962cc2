"""A county's files, CSV or Parquet, read with a mapping file into validated records and columns. Knows no Kafka."""

from schemas.tabular.errors import FileUnusable, MappingInvalid, TabularError
from schemas.tabular.mapping import TableMapping, load_mapping, read_mapping
from schemas.tabular.plan import Kind
from schemas.tabular.reading import Reading, read_properties, read_sales
from schemas.tabular.report import Problem, Report
from schemas.tabular.tables import Properties, Sales

__all__ = [
    "FileUnusable",
    "Kind",
    "MappingInvalid",
    "Problem",
    "Properties",
    "Reading",
    "Report",
    "Sales",
    "TableMapping",
    "TabularError",
    "load_mapping",
    "read_mapping",
    "read_properties",
    "read_sales",
]
