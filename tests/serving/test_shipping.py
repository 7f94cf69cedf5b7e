"""What ships works: the documented examples, and a Bento that is built without a network."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ASK = (ROOT / "docs/how-to/ask.md").read_text(encoding="utf-8")
DEPLOY = (ROOT / "docs/how-to/deploy.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def commands() -> list[str]:
    """The commands of all console blocks, each from its `$` to the next."""
    found = [re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] for block in blocks(ASK, "console")]
    return [command for block in found for command in block]


@pytest.mark.parametrize("command", commands(), ids=lambda one: re.findall(r"URL(\S+?)\"", one)[0])
def test_every_curl_example_gets_an_answer(served: Any, command: str) -> None:
    environment = {**os.environ, "URL": served.url, "KEY": served.keys["clinician"]}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert "status" not in answer, answer


def test_the_python_example_runs(served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks(ASK, "python")
    exec(example, {"URL": served.url, "KEY": served.keys["clinician"]})  # noqa: S102  # our own page
    assert "Of 100 people like this" in capsys.readouterr().out


def test_the_kubernetes_example_is_yaml_whose_probes_the_service_has(served: Any) -> None:
    (example,) = blocks(DEPLOY, "yaml")
    (container,) = yaml.safe_load(example)["spec"]["template"]["spec"]["containers"]
    with served.client() as client:
        for probe in ("readinessProbe", "livenessProbe"):
            assert client.get(container[probe]["httpGet"]["path"]).status_code == 200


@pytest.mark.slow
def test_a_bento_is_built_without_a_network(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("kappredict", "pipelines", "configs", "models"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "schema")
        )
    for name in ("bentofile.yaml", "requirements.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    words = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    # An empty network namespace has not even a loopback; without the right to make one, a build
    # that needs the network would still fail to find a registry that it was not told of.
    alone = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []
    environment = {**os.environ, "BENTOML_HOME": str(tmp_path / "home"), "PYTHONPATH": str(source)}
    done = subprocess.run(
        [*alone, *words], cwd=source, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = (tmp_path / "home/bentos/kappredict").glob("*/src")
    assert (built / "kappredict/serving/page/page.html").exists()
    assert not (built / "tests").exists()
