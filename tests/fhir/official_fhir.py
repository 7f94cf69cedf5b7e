"""Official R4 definitions and invariants (@medplum/core), for what is written; node checks it."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

_HERE = Path(__file__).parent


def problems(*resources: dict[str, Any]) -> list[list[str]]:
    """Give what is wrong with each resource, warnings too; one node process for all of them."""
    if shutil.which("node") is None:
        pytest.skip("there is no node on this machine to run the official FHIR definitions")
    if not (_HERE / "node_modules").is_dir():
        pytest.skip("`npm ci` was not run in tests/fhir (`make` does it where there is npm)")
    lines = "\n".join(json.dumps(one) for one in resources)
    done = subprocess.run(
        ["node", "validate.mjs"], cwd=_HERE, input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_r4(resource: dict[str, Any]) -> None:
    """Check a resource with fhir.resources, and what no validator at hand looks at."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    for one in _parts(resource):
        assert one not in ({}, []), "an empty element is no FHIR"
        if isinstance(one, dict) and {"start", "end"} <= set(one):
            assert one["start"] <= one["end"]
    for one in _resources(resource):
        inside = [each["id"] for each in one.get("contained", ())]
        text = json.dumps(one)
        assert all(f'"#{name}"' in text for name in inside), "what is contained is referred to"


def _resources(one: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [each["resource"] for each in one.get("entry", ())] or [one]


def _parts(one: Any) -> list[Any]:
    inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return [one, *(each for part in inner for each in _parts(part))]
