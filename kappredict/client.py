"""A small client of the service: records in, typed answers out."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from kappredict.errors import DataError, KappredictError, RefusedError
from kappredict.serving.answers import PredictAnswer, RecordAnswer, WhatIfAnswer
from kappredict.serving.schemas import MOST_RECORDS


class ServiceError(KappredictError):
    """The service cannot answer now, or cannot be reached."""

    exit_code = 12


class Client:
    """A connection to a service; use it in a `with` block.

    >>> client = Client("http://127.0.0.1:3000", key="kap_key")
    >>> client.close()
    """

    def __init__(self, url: str, key: str = "", seconds: float = 30) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=seconds)

    def __enter__(self) -> Self:
        """Give the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def predict(self, records: Sequence[Mapping[str, Any]]) -> list[RecordAnswer]:
        """Answer records in their order, up to a thousand in one request.

        Raises
        ------
        DataError
            If a record is wrong, naming the field.
        RefusedError
            If the key is not accepted, or its role may not ask.
        ServiceError
            If the service cannot answer now.
        """
        found: list[RecordAnswer] = []
        for start in range(0, len(records), MOST_RECORDS):
            body = {"records": list(records[start : start + MOST_RECORDS])}
            answer = self._ask("POST", "/v1/predict", body)
            found += PredictAnswer.model_validate_json(answer).results
        return found

    def what_if(self, record: Mapping[str, Any], changes: Mapping[str, Any]) -> WhatIfAnswer:
        """Answer a record as it is, and with some inputs changed; raises what `predict` does."""
        body = {"record": record, "changes": changes}
        return WhatIfAnswer.model_validate_json(self._ask("POST", "/v1/what-if", body))

    def models(self) -> list[dict[str, Any]]:
        """List the models with a short card each; raises what `predict` does."""
        answer = httpx.Response(200, content=self._ask("GET", "/v1/models"))
        found: list[dict[str, Any]] = answer.json()["models"]
        return found

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ServiceError(f"the service cannot be reached: {error}") from error
        if answer.is_success:
            return answer.content
        raise _ERRORS.get(answer.status_code, ServiceError)(_said(answer))


_ERRORS: dict[int, type[KappredictError]] = {
    400: DataError,
    401: RefusedError,
    403: RefusedError,
    413: DataError,
    422: DataError,
}


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError):
        return f"the service answered {answer.status_code}"
