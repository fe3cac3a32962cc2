"""Write the dashboards' JSON, or with ``--check`` prove that what lies there is current."""

import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.gateway import gateway
from deploy.grafana.pipeline import pipeline
from deploy.grafana.quality import quality
from deploy.grafana.valuations import valuations

DIRECTORY: Final = Path(__file__).parent / "dashboards"


def documents() -> dict[Path, str]:
    """Return what every dashboard's file should hold."""
    made = {"valuations": valuations(), "pipeline": pipeline(), "gateway": gateway(), "quality": quality()}
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {DIRECTORY / f"{name}.json": encoder.encode(one.build()) + "\n" for name, one in made.items()}


def stale() -> list[Path]:
    """Return the files that are not what they should be, and those that should not be there."""
    wanted = documents()
    found = {path: path.read_text(encoding="utf-8") for path in DIRECTORY.glob("*.json")}
    return sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` name those that are stale; returns the exit status."""
    if "--check" in arguments:
        wrong = stale()
        for path in wrong:
            sys.stderr.write(f"{path.name} is stale; run python -m deploy.grafana\n")
        return int(bool(wrong))
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
