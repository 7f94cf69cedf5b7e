"""The bill of materials names every package that is installed, by version and hash."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_bill_of_materials_holds_every_locked_package_with_its_hashes(tmp_path: Path) -> None:
    (rule,) = re.findall(r"cyclonedx-py (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    out = tmp_path / "sbom.json"
    words = rule.replace("build/sbom.json", str(out)).split()
    command = [sys.executable, "-m", "cyclonedx_py", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    written = json.loads(out.read_text())
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", lock, re.MULTILINE))
    assert written["bomFormat"] == "CycloneDX"
    assert written["metadata"]["component"]["name"] == "kappredict"
    assert {one["name"]: one["version"] for one in written["components"]} == locked
    hashes = [one["externalReferences"][0]["hashes"] for one in written["components"]]
    assert {kind["alg"] for one in hashes for kind in one} == {"SHA-256"}
