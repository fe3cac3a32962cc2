import os
from pathlib import Path

from processor.valuation.model.jit import stamp_of


def test_kept_kernels_are_not_found_again_after_any_source_changed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    kernel, part = tmp_path / "kernel.py", tmp_path / "inner" / "part.py"
    kernel.write_text("one")
    part.write_text("two")
    before = stamp_of(tmp_path)
    assert stamp_of(tmp_path) == before
    os.utime(part, ns=(1, 1))
    assert stamp_of(tmp_path) != before
