"""Tells which of the custom resources on standard input their operators would not take as they are, as JSON.

A model made from an operator's schema refuses what is missing or of a wrong type; what it does not give back, it does
not know.
"""

import importlib
import json
import sys
from typing import Any, Final

_MODELS: Final = {
    "ScaledObject": "keda.v1alpha1",
    "TriggerAuthentication": "keda.v1alpha1",
    "ServiceMonitor": "prometheus_operator.v1",
    "PrometheusRule": "prometheus_operator.v1",
}


def complaint(resource: dict[str, Any]) -> str | None:
    """Return why an operator would not take a resource as it is, None where it would."""
    model = getattr(importlib.import_module(f"cloudcoil.models.{_MODELS[resource['kind']]}"), resource["kind"])
    try:
        understood = model.model_validate(resource).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except ValueError as wrong:
        return str(wrong)
    return None if understood["spec"] == resource["spec"] else "it has members that the operator does not know"


def main() -> None:
    """Read, judge, and print the names of what is refused."""
    judged = [each for each in json.load(sys.stdin) if each["kind"] in _MODELS]
    found = {each["metadata"]["name"]: complaint(each) for each in judged}
    json.dump({name: why for name, why in found.items() if why is not None}, sys.stdout)


if __name__ == "__main__":
    main()
