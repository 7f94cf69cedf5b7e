"""All that the interface's own description allows is asked: nothing fails, and all is described."""

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
