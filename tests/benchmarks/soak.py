"""An hour's requests at full speed, good and bad, over every address: does a worker's memory grow?

Usage: python tests/benchmarks/soak.py MODELS [REQUESTS]

Prints the resident memory of the worker before and after warming up and at the end, and the slope
of a straight line through the second half, in MiB per 1,000 requests.
"""

import json
import random
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from serving import RECORD, running

CLIENTS = 4
WARM = 1_000
EVERY = 200


def asked(rng: random.Random) -> tuple[str, str, bytes]:
    """Choose a request: most are of one patient, some are of many, and one in four is wrong."""
    patient = {**RECORD["patient"], "patient_id": f"p{rng.randrange(10**9)}"}
    record = {**RECORD, "patient": {**patient, "age": rng.randint(20, 70)}}
    good: list[tuple[str, str, Any]] = [
        ("POST", "/v1/predict", record),
        ("POST", "/v1/predict", record),
        ("POST", "/v1/explain", record),
        ("POST", "/v1/what-if", {"record": record, "changes": {"age": 50}}),
        ("POST", "/v1/predict", {"records": [record] * rng.randint(2, 20)}),
        ("GET", "/v1/models", None),
        ("GET", "/metrics", None),
        ("GET", "/", None),
        ("GET", "/openapi.json", None),
    ]
    bad: list[tuple[str, str, Any]] = [
        ("POST", "/v1/predict", {**record, f"f{rng.randrange(10**9)}": 1}),
        ("POST", "/fhir/$predict", {"resourceType": "Bundle", "entry": [{}]}),
        ("GET", f"/patients/{rng.randrange(10**9)}", None),
    ]
    method, path, content = rng.choice(bad if rng.random() < 0.25 else good)
    body = b"" if content is None else json.dumps(content).encode()
    return method, path, body[:-1] if rng.random() < 0.05 else body


def resident(process: int) -> float:
    """Give a process's resident memory, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def worker_of(url: str) -> int:
    """Find the process that listens there and answers: the child of the one that was started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if "_bentoml_impl.worker" in words and url.encode() in environment:
            return int(folder.name)
    raise SystemExit("no worker was found")


def soak(url: str, requests: int) -> tuple[list[tuple[int, float]], Counter[int]]:
    """Ask from several clients; give (requests so far, MiB) and how often each status came."""
    worker, statuses, samples = worker_of(url), Counter[int](), [(0, resident(worker_of(url)))]
    lock = threading.Lock()

    def ask(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311  # a load, no secret
        headers = {"content-type": "application/json"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            for _ in range(requests // CLIENTS):
                method, path, body = asked(rng)
                status = client.request(method, path, content=body).status_code
                with lock:
                    statuses[status] += 1
                    done = statuses.total()
                    if done % EVERY == 0:
                        samples.append((done, resident(worker)))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return samples, statuses


def main(models: Path, requests: int) -> None:
    """Soak a service of one worker, and print what its memory did."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [sys.executable, "-m", "pipelines.cli", "serve", "--demo", "--port", "PORT"]
        words += ["--models", str(models.resolve()), "--audit", str(folder / "audit.db")]
        with running(words, folder, "/readyz", KAPPREDICT_PER_MINUTE="1000000") as (url, _):
            samples, statuses = soak(url, requests)
    at, memory = np.array(samples).T
    half = at >= requests / 2
    slope = np.polyfit(at[half], memory[half], 1)[0] * 1000
    warm = memory[np.searchsorted(at, min(WARM, requests // 2))]
    print(f"{statuses.total():,} requests: {dict(sorted(statuses.items()))}")
    print(f"MiB: {memory[0]:.0f} at the start, {warm:.0f} warm, {memory[-1]:.0f} at the end")
    print(f"slope over the second half: {slope:+.3f} MiB per 1,000 requests")


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3_600
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo/models"), count)
