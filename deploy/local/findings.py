"""How the doctor's findings are printed."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local.doctor import Finding, Verdict

_COLOURS: Final = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.WRONG: "red"}


def show_findings(findings: Sequence[Finding], console: Console, *, as_json: bool) -> bool:
    """Print the findings; return whether nothing is wrong."""
    healthy = all(finding.verdict is not Verdict.WRONG for finding in findings)
    if as_json:
        console.out(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}))
        return healthy
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        colour = _COLOURS[finding.verdict]
        text = escape(finding.text) + (f"\n[dim]{escape(finding.remedy)}[/]" if finding.remedy else "")
        table.add_row(f"[{colour}]{finding.verdict}[/]", finding.subject, text)
    console.print(table, highlight=False)
    return healthy
