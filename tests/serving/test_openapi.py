"""All that the interface's own description allows, and much that it does not, is asked."""

import subprocess
import sys
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from kappredict.serving.app import make_app
from kappredict.serving.core import Core

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_nothing_answers_500_and_every_answer_is_described(core: Core) -> None:
    api = schemathesis.openapi.from_asgi("/openapi.json", make_app(core))
    asked = 0
    for operation in api.get_all_operations():

        @settings(
            max_examples=4,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(case=operation.ok().as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        ask()
        asked += 1
    assert asked > 10


# What only a rule across fields can tell is refused with 422, though the schema allows it.
_NOT_HELD = "positive_data_acceptance"
# Their bodies are those of /v1/predict and of the other hook, and one list is asked for like the
# next: the same again would take as long, and spend the refusals that an address has in a minute.
_ALIKE = "explain|what-if|kappredict-order|conditions|instruments|inputs|safety"


@pytest.mark.slow
def test_wrong_data_methods_and_credentials_are_refused_as_described(served: Any) -> None:
    words = ["run", f"{served.url}/openapi.json", "--checks", "all", "--exclude-checks", _NOT_HELD]
    words += ["-H", f"Authorization: Bearer {served.keys['clinician']}", "--no-color"]
    words += ["--phases", "coverage", "--mode", "all", "--seed", "1", "--no-shrink"]
    words += ["--exclude-path-regex", _ALIKE, "--generation-database", "none"]
    command = "from schemathesis.cli import schemathesis; schemathesis()"
    done = subprocess.run(
        [sys.executable, "-c", command, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=served.folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
