"""What is printed when the stack is up: where everything is, what to try, how to stop."""

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from schemas.settings import StackRecord

_TRY = """\
curl -s {gateway}/api/v1/valuation/run -H 'content-type: application/json' \\
  -d '{{"property_id": "PROP123", "county_id": "BENTON"}}'"""


def show_banner(console: Console, record: StackRecord, logs: object) -> None:
    """Print the addresses of a running stack."""
    table = Table.grid(padding=(0, 2))
    for name, value in _rows(record, logs):
        table.add_row(f"[bold]{name}[/]", value)
    console.print(Panel(table, title="TerraFusion Sync valuations", expand=False), highlight=False, soft_wrap=True)
    if record.processor_urls:
        console.print(_TRY.format(gateway=record.gateway_url), highlight=False, markup=False, soft_wrap=True)
    console.print("Ctrl-C stops everything.", style="dim")


def _rows(record: StackRecord, logs: object) -> list[tuple[str, str]]:
    rows = [("Kafka", record.bootstrap_servers), ("Logs", str(logs))]
    if record.processor_urls:
        metrics = "  ".join(f"{url}/metrics" for url in record.processor_urls)
        gateway = record.gateway_url
        rows[:0] = [("Gateway", gateway), ("Documentation", f"{gateway}/docs"), ("Metrics", metrics)]
    return rows
