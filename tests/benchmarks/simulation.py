"""The cost of a synthetic study: seconds and memory for 100,000 patients, and per patient.

The line of 100 patients shows what a study costs however small it is.

Run it as a script; it measures and asserts no time. Timed: `simulate`, which draws truth and
tables in memory. Not timed: reading the parameters, writing files. Memory is the highest that the
process has held up to then, the imports included.
"""

import resource
import time

from kappredict.data.simulation import load_parameters, simulate


def main() -> None:
    """Print the table."""
    parameters = load_parameters()
    print(" patients       rows   seconds  µs a patient  µs a row  peak memory")
    for patients in (100, 10_000, 30_000, 100_000):
        started = time.perf_counter()
        study = simulate(parameters, patients=patients, seed=1).study
        taken = time.perf_counter() - started
        rows = sum(len(table) for table in study.tables.values())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{patients:9,d} {rows:10,d} {taken:9.1f} {1e6 * taken / patients:13.0f}"
            f" {1e6 * taken / rows:9.2f} {peak:8,.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
