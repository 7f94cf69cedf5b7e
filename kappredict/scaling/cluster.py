"""Dask: a cluster that works on the partitions of a study, and grows trees, several at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from joblib import parallel_config

from kappredict.data.partitions import Work, here
from kappredict.errors import UsageError
from kappredict.estimators.growing import Grow, GrowHere
from kappredict.scaling.trees import GrowOnCluster

T = TypeVar("T")
LOCAL = "local"


@dataclass(frozen=True)
class Place:
    """Where the work is done: how partitions are worked on, and where trees are grown."""

    work: Work
    grow: Grow


HERE = Place(here, GrowHere())


@contextmanager
def place_at(
    address: str | None, *, workers: int | None = None, memory: str = "auto"
) -> Iterator[Place]:
    """Give the place of an address: this process without one, else a Dask cluster.

    On a cluster the driver does one thing after the other: its workers have the cores.

    Parameters
    ----------
    address
        That of a Dask scheduler; `local` starts workers of one thread on this machine.
    workers, memory
        Of local workers: how many (one per core if not given), and the limit of each.

    Raises
    ------
    UsageError
        If Dask is not installed, or there is no scheduler at the address.
    """
    if address is None:
        yield HERE
        return
    with _connected(address, workers, memory) as client, parallel_config(backend="sequential"):
        yield Place(WorkOnCluster(client), GrowOnCluster(client))


@dataclass(frozen=True)
class WorkOnCluster:
    """Partitions worked on by a cluster (see `kappredict.data.partitions.Work`).

    Workers read the partitions themselves: they need to see them under the same path. What a
    worker was doing when it died is done again by another.
    """

    client: Any

    def __call__(self, ask: Callable[[Path], T], parts: Sequence[Path]) -> list[T]:
        """Ask every partition, and give the answers in the partitions' order."""
        from distributed import as_completed  # noqa: PLC0415  # an extra

        futures = self.client.map(ask, [part.resolve() for part in parts], pure=False)
        names = [future.key for future in futures]
        running = as_completed(futures, with_results=True)
        del futures  # a worker forgets each answer as soon as it is here
        found: dict[str, T] = {future.key: answer for future, answer in running}
        return [found[name] for name in names]


@contextmanager
def _connected(address: str, workers: int | None, memory: str) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise UsageError("Dask is not installed: pip install 'kappredict[dask]'") from error
    if address == LOCAL:
        one_thread = {"n_workers": workers, "threads_per_worker": 1, "memory_limit": memory}
        # Any free port of this machine: the usual one may be taken by another run.
        with (
            LocalCluster(**one_thread, dashboard_address="127.0.0.1:0") as cluster,
            Client(cluster) as own,
        ):
            yield own
        return
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{address}: no Dask scheduler answers there; start one, or use `{LOCAL}`"
        ) from error
    with client:
        yield client
