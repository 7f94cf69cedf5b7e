"""A night's retraining, killed again and again: `python night.py PLAN.json` says how each ended.

One process imports everything and forks one attempt after the other, each a process of its own
that is killed (SIGKILL) so many seconds after it said a certain word; without a word it ends.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kappredict.evaluation.settings import read_settings
from kappredict.tracking.store import Store
from pipelines.retrain import Job, retrain


def attempt(job: Job, word: str, seconds: float, result: Path) -> dict[str, Any]:
    """Run one attempt; gives what it said, and what it came to if it was not killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 2)
        result.write_text(json.dumps(asdict(retrain(job))))
        os._exit(0)
    os.close(write)
    said = []
    with os.fdopen(read, encoding="utf-8") as pipe:
        for line in pipe:
            said.append(line.strip())
            if word and line.startswith(word):
                time.sleep(seconds)
                os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    summary = None if killed or status else json.loads(result.read_text())
    return {"said": said, "killed": killed, "summary": summary}


if __name__ == "__main__":
    # MLflow imports it when a store is opened: here once, and not in every attempt.
    import mlflow.store.model_registry.sqlalchemy_store  # noqa: F401

    plan = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(sys.argv[1]).parent
    night = Job(
        conditions=["all"],
        study=folder / "study",
        settings=read_settings(plan["settings"]),
        store=Store(plan["store"]),
        models=folder / "models",
    )
    told = [attempt(night, *one, folder / "result.json") for one in plan["attempts"]]
    print(json.dumps(told))
