"""The queries of an import: what each reads, and which of those they share comes first."""

import json
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb

from kappredict.errors import DefinitionError


def shared_queries(import_folder: Path) -> dict[str, Path]:
    """Find the queries in `shared/`, which others use, each after those that it uses itself.

    Raises
    ------
    DefinitionError
        If some use each other.
    """
    folder = import_folder / "shared"
    found = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    reads = tables_read(found.values())
    needs = {name: reads[path] & found.keys() - {name} for name, path in found.items()}
    try:
        return {name: found[name] for name in TopologicalSorter(needs).static_order()}
    except CycleError as error:
        problem = f"these use each other: {', '.join(sorted({*error.args[1]}))}"
        raise DefinitionError(str(folder), [problem]) from error


def tables_read(queries: Iterable[Path]) -> dict[Path, set[str]]:
    """Name, in lower case, the tables that each query reads; none where it is no SELECT.

    Names that a query gives by WITH are among them: each may hide a table that it is made of.
    """
    with duckdb.connect() as connection:
        texts = {query: query.read_text(encoding="utf-8") for query in queries}
        trees = {
            query: connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()[0][0]
            for query, text in texts.items()
        }
    return {
        query: {name.lower() for name in _values_of(json.loads(tree), "table_name")}
        for query, tree in trees.items()
    }


def _values_of(tree: object, key: str) -> Iterator[str]:
    """Give every text under a key, at whatever depth."""
    if isinstance(tree, list):
        for part in tree:
            yield from _values_of(part, key)
    elif isinstance(tree, Mapping):
        if isinstance(tree.get(key), str):
            yield tree[key]
        yield from _values_of(list(tree.values()), key)
