"""Speed of the service, as ratios to a bare BentoML endpoint that parses and echoes, in one run.

Also to `mlflow models serve` of the bare model. Usage: python tests/benchmarks/serving.py MODELS
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import mlflow

from kappredict.cohort.records import record_history
from kappredict.estimators.bundle import load_bundle
from kappredict.features.build import build_features

ROOT = Path(__file__).resolve().parents[2]

_ECHO = """
import bentoml
from typing import Any

@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Echo:
    @bentoml.api
    def predict(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return records
"""
RECORD: dict[str, Any] = {
    "patient": {"patient_id": "p", "age": 41, "sex": "female"},
    "course": {
        "condition": "depression",
        "index_day": 0,
        "planned_doses": 6,
        "planned_route": "iv",
    },
    "assessments": [
        {"day": -3, "instrument": "phq9", "value": 19},
        {"day": -3, "instrument": "gad7", "value": 12},
    ],
    "history": [{"kind": "medication", "code": "antidepressant", "start_day": -200}],
}


@contextmanager
def running(words: list[str], folder: Path, ready: str, **environment: str) -> Iterator[Any]:
    """Start a server; gives its address and the seconds it took to be ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.replace("PORT", str(port)) for word in words]
    began = time.perf_counter()
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        )
    url = f"http://127.0.0.1:{port}"
    while True:
        try:
            if httpx.get(f"{url}{ready}").status_code == 200:
                break
        except httpx.HTTPError:
            time.sleep(0.05)
        if process.poll() is not None:
            raise SystemExit((folder / "log.txt").read_text())
    try:
        yield url, time.perf_counter() - began
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def latency(address: str, body: bytes, n: int = 400) -> tuple[float, float]:
    """Give p50 and p99 of one connection, in milliseconds."""
    taken = []
    with httpx.Client(headers={"content-type": "application/json"}) as client:
        for _ in range(n):
            began = time.perf_counter()
            client.post(address, content=body).raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return median(taken), taken[int(n * 0.99)]


def throughput(
    address: str, body: bytes, connections: int = 16, seconds: float = 6
) -> tuple[float, float]:
    """Give requests a second over many connections, and their p99 in milliseconds."""
    taken: list[float] = []
    until = time.perf_counter() + seconds

    def ask() -> None:
        with httpx.Client(headers={"content-type": "application/json"}, timeout=30) as client:
            while time.perf_counter() < until:
                began = time.perf_counter()
                client.post(address, content=body).raise_for_status()
                taken.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.sort()
    return len(taken) / seconds, taken[int(len(taken) * 0.99)]


def bare_model(folder: Path, models: Path) -> tuple[list[str], bytes]:
    """Give how `mlflow models serve` is started on one bundle, and one row of features for it."""
    bundle_folder = models / "depression/response/baseline"
    bundle = load_bundle(bundle_folder)
    recipe = bundle.recipe
    history = record_history([RECORD], bundle.task.moment, recipe.instruments, recipe.study)
    frame = build_features(history, recipe.specs).frame
    mlflow.pyfunc.save_model(
        folder / "mlflow",
        python_model=str(ROOT / "kappredict/tracking/served_model.py"),
        artifacts={"bundle": str(bundle_folder)},
        pip_requirements=[],
    )
    command = ["-m", "mlflow", "models", "serve", "--model-uri", str(folder / "mlflow")]
    body = json.dumps({"dataframe_records": json.loads(frame.to_json(orient="records"))})
    return [sys.executable, *command, "--env-manager", "local", "--port", "PORT"], body.encode()


def main(models: Path) -> None:
    """Measure all, one after the other, and print the ratios."""
    python, body = sys.executable, json.dumps(RECORD).encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo.py").write_text(_ECHO)
        bare = [python, "-m", "bentoml", "serve", "echo:Echo", "--port", "PORT"]
        with running(bare, folder, "/readyz") as (url, echo_start):
            many = json.dumps({"records": [RECORD]}).encode()
            latency(f"{url}/predict", many, 50)
            echo, _ = latency(f"{url}/predict", many)
            echo_rate, _ = throughput(f"{url}/predict", many)
        own = [python, "-m", "pipelines.cli", "serve", "--demo", "--models", str(models.resolve())]
        own += ["--port", "PORT", "--audit", str(folder / "audit.db")]
        with running(own, folder, "/readyz", KAPPREDICT_PER_MINUTE="1000000") as (url, start):
            latency(f"{url}/v1/predict", body, 50)
            mine, worst = latency(f"{url}/v1/predict", body)
            rate, p99 = throughput(f"{url}/v1/predict", body)
        words, row = bare_model(folder, models.resolve())
        path = f"{Path(python).parent}:{os.environ['PATH']}"  # it starts `uvicorn` by name
        with running(words, folder, "/ping", PATH=path) as (url, mlflow_start):
            latency(f"{url}/invocations", row, 50)
            theirs, _ = latency(f"{url}/invocations", row)
            their_rate, _ = throughput(f"{url}/invocations", row)
    print(f"echo: p50 {echo:.2f} ms, {echo_rate:.0f} a second, ready after {echo_start:.1f} s")
    print(
        f"kappredict: p50 {mine:.2f} ms (p99 {worst:.2f}), {rate:.0f} a second "
        f"(p99 {p99:.0f} ms at 16), ready after {start:.1f} s"
    )
    print(
        f"mlflow models serve, one bare model: p50 {theirs:.2f} ms, {their_rate:.0f} a second, "
        f"ready after {mlflow_start:.1f} s"
    )
    print(
        f"ratios to the echo: p50 {mine / echo:.2f}, throughput {rate / echo_rate:.2f}, "
        f"start {start / echo_start:.2f}; to mlflow: p50 {mine / theirs:.2f}, "
        f"throughput {rate / their_rate:.2f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo/models"))
