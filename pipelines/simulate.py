"""Simulate: a synthetic study, every row marked, with the truth apart in `truth.parquet`."""

from pathlib import Path

from kappredict.data.simulation import load_parameters
from kappredict.data.simulation import simulate as draw
from kappredict.data.writers import write_study, write_truth


def simulate(out: Path, *, patients: int, seed: int) -> None:
    """Write a synthetic study folder; the same seed gives the same study."""
    simulated = draw(load_parameters(), patients=patients, seed=seed)
    write_study(simulated.study, out)
    write_truth(simulated.truth, out)
