"""How soon an EHR has its card: patient-view under 16 clients, with one worker and with two.

CDS Hooks asks for about 500 ms. Usage: python tests/benchmarks/cds_hooks.py MODELS
"""

import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from serving import latency, running, throughput

sys.path.insert(0, str(Path(__file__).parents[1] / "fhir"))
import ehr

_PLACE = "/cds-services/kappredict-patient"


def call(days_ago: int = 3) -> dict[str, Any]:
    """A call with what an EHR has of one patient: scores of two weeks, a medicine, no dose yet."""
    now = datetime.now(UTC)
    scores = [
        ehr.score(value, code, id=f"{code}-{week}", effectiveDateTime=_date(now, days_ago, week))
        for code, value in (("44261-6", 19), ("70274-6", 11))
        for week in range(2)
    ]
    statement = ehr.resource(
        "MedicationStatement",
        "ms",
        status="active",
        dateAsserted="2024-01-10",
        medicationCodeableConcept=ehr.coded(ehr.RXNORM, "36437"),
    )
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p"},
        "prefetch": {
            "patient": ehr.patient(),
            "conditions": ehr.bundle(ehr.diagnosis()),
            "scores": ehr.bundle(*scores),
            "questionnaires": ehr.bundle(),
            "medications": ehr.bundle(statement),
            "orders": None,
            "doses": None,
        },
    }


def _date(now: datetime, days_ago: int, week: int) -> str:
    return (now - timedelta(days=days_ago, weeks=week)).isoformat()


def main(models: Path) -> None:
    """Measure, and print."""
    body = json.dumps(call()).encode()
    print(f"one call: {len(body):,} bytes; 16 clients for 10 seconds")
    for workers in (1, 2):
        words = [sys.executable, "-m", "pipelines.cli", "serve", "--demo", "--port", "PORT"]
        words += ["--models", str(models.resolve()), "--workers", str(workers)]
        with tempfile.TemporaryDirectory() as name:
            words += ["--audit", f"{name}/audit.db"]
            plenty = {"KAPPREDICT_PER_MINUTE": "1000000"}
            with running(words, Path(name), "/readyz", **plenty) as (url, _):
                latency(f"{url}{_PLACE}", body, 50)
                alone, _ = latency(f"{url}{_PLACE}", body)
                rate, p99 = throughput(f"{url}{_PLACE}", body, seconds=10)
        print(
            f"{workers} workers: p50 {alone:.1f} ms alone; {rate:.0f} a second, "
            f"mean {1000 * 16 / rate:.0f} ms, p99 {p99:.0f} ms"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo/models"))
