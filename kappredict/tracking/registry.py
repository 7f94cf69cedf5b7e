"""The registry: which version of a model serves, which one wants to, and the verdicts on them.

Three aliases: `champion` serves, `challenger` wants to, `former` served before the champion did.
There are no stages. A verdict is an artefact of the challenger's run and tags of its version.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from kappredict.errors import RefusedError
from kappredict.tracking.locks import locked
from kappredict.tracking.store import (
    CHALLENGER,
    CHAMPION,
    Registered,
    Store,
    quiet,
    registered_name,
)

FORMER = "former"
PROMOTED, REFUSED, ROLLED_BACK = "promoted", "refused", "rolled back"
_OUTCOME, _FILE = "verdict", "verdict.json"
# What MLflow answers for a model, or an alias, that is not there.
_NO_SUCH = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


@dataclass(frozen=True)
class Decision:
    """A verdict to be written down: `content` in full, its `reasons`, when and by whom.

    `against` is the champion's version that it was reached against; None where there was none.
    """

    passed: bool
    reasons: tuple[str, ...]
    content: Mapping[str, Any]
    against: int | None
    rows: str
    at: str
    by: str

    @property
    def tags(self) -> dict[str, str]:
        """What the challenger's version is tagged with, beside the verdict's outcome."""
        return {
            "verdict_reasons": "\n".join(self.reasons),
            "verdict_against": "none" if self.against is None else str(self.against),
            "verdict_rows": self.rows,
            "verdict_at": self.at,
            "verdict_by": self.by,
        }


@dataclass(frozen=True)
class Registry:
    """The registered models of a store."""

    store: Store

    def holder(self, task: str, alias: str) -> Registered | None:
        """Give the version that has an alias; None where no version has it."""
        name = registered_name(task)
        with quiet():
            try:
                version = self._client.get_model_version_by_alias(name, alias)
            except MlflowException as error:
                if error.error_code in _NO_SUCH:
                    return None
                raise
        return Registered(name, int(version.version), version.run_id)

    def outcome(self, one: Registered) -> str:
        """Give what became of a version: promoted, refused, rolled back; empty if not decided."""
        with quiet():
            version = self._client.get_model_version(one.name, str(one.version))
        return str(version.tags.get(_OUTCOME, ""))

    def verdict(self, one: Registered) -> dict[str, Any]:
        """Give the verdict on a version in full, as it was written down."""
        return self.store.read_json(one.run_id, _FILE)

    def marked(self, tag: str, value: str) -> dict[str, Registered]:
        """Give the latest version whose training run carries a tag, by the task's name."""
        with quiet():
            mlflow.set_tracking_uri(self.store.uri)
            runs = mlflow.search_runs(
                search_all_experiments=True,
                filter_string=f"tags.{tag} = '{value}'",
                output_format="list",
                order_by=["attributes.start_time ASC"],
            )
            versions = [
                one
                for run in runs
                for one in self._client.search_model_versions(f"run_id = '{run.info.run_id}'")
            ]
        return {
            one.name.replace(".", "/"): Registered(one.name, int(one.version), one.run_id)
            for one in versions
        }

    def challenge(self, one: Registered) -> None:
        """Make a version the challenger."""
        with quiet():
            self._client.set_registered_model_alias(one.name, CHALLENGER, str(one.version))

    def decide(self, challenger: Registered, decision: Decision) -> None:
        """Write a verdict down and, where it passed, let the challenger serve.

        Raises
        ------
        RefusedError
            If the champion is another than the verdict was reached against: of two promotions at
            once the second has compared itself with a model that no longer serves.
        """
        task = challenger.name.replace(".", "/")
        with locked(self.store.uri, challenger.name), quiet():
            serving = self.holder(task, CHAMPION)
            now = serving.version if serving else None
            if now != decision.against:
                raise RefusedError(
                    f"{task}: the champion changed meanwhile from {_named(decision.against)} to "
                    f"{_named(now)}; nothing was changed. Compare again: kappredict promote {task}"
                )
            self._write(challenger, decision)
            if decision.passed:
                self._serve(challenger, serving)
            self._tag(challenger, {_OUTCOME: PROMOTED if decision.passed else REFUSED})

    def confirm(self, champion: Registered) -> None:
        """Say of a champion that it was promoted, if a kill came between that and saying so."""
        with quiet():
            self._tag(champion, {_OUTCOME: PROMOTED})

    def roll_back(self, task: str, at: str) -> tuple[Registered | None, bool]:
        """Let the former champion serve again; doing it twice changes nothing.

        Returns
        -------
        Which version serves now, and whether that is a change.
        """
        with locked(self.store.uri, registered_name(task)), quiet():
            serving, former = (self.holder(task, one) for one in (CHAMPION, FORMER))
            if serving is None or former is None or former.version == serving.version:
                return serving, False
            self._tag(serving, {_OUTCOME: ROLLED_BACK, "rolled_back_at": at})
            self._client.set_registered_model_alias(former.name, CHAMPION, str(former.version))
            self._client.delete_registered_model_alias(former.name, FORMER)
            return former, True

    def _write(self, challenger: Registered, decision: Decision) -> None:
        content = {**decision.content, "at": decision.at, "by": decision.by}
        self._client.log_text(challenger.run_id, json.dumps(content, indent=1), _FILE)
        self._tag(challenger, decision.tags)

    def _serve(self, challenger: Registered, serving: Registered | None) -> None:
        """Move the aliases; the last step of which decides, so that a kill leaves one champion."""
        name, client = challenger.name, self._client
        if serving is not None:
            client.set_registered_model_alias(name, FORMER, str(serving.version))
        client.set_registered_model_alias(name, CHAMPION, str(challenger.version))
        wanting = self.holder(name.replace(".", "/"), CHALLENGER)
        if wanting is not None and wanting.version == challenger.version:
            client.delete_registered_model_alias(name, CHALLENGER)

    def _tag(self, one: Registered, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._client.set_model_version_tag(one.name, str(one.version), key, value)

    @property
    def _client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.store.uri)


def _named(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
