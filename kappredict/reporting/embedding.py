"""What the page carries inside it: plotly and its figures, packed so that a browser unpacks them.

A browser inflates gzip by itself (DecompressionStream), so that the library takes a third of its
size and nothing is fetched.
"""

import base64
import gzip
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

# What can be seen of a number in a figure.
_DIGITS = 5


def packed_plotly() -> str:
    """Give plotly.js, gzipped, in base64."""
    return _packed(get_plotlyjs())


def packed_figures(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Give plain figures by name as JSON, gzipped, in base64."""
    return _packed(json.dumps(dict(figures)))


def plain_figure(figure: go.Figure) -> dict[str, Any]:
    """Give a figure's data and layout as plain values, numbers rounded to what can be seen.

    The template is left out: the page has one for light and one for dark.
    """
    content = figure.to_plotly_json()
    layout = {name: one for name, one in content["layout"].items() if name != "template"}
    return {"data": _plain(content["data"]), "layout": _plain(layout)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping) and "bdata" in value:
        return _plain(_unpacked(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return _rounded(value)
    return value


def _unpacked(array: Mapping[str, str]) -> np.ndarray:
    """Read an array the way plotly writes it: a type, its bytes in base64, and a shape if any."""
    values = np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"])
    shape = array.get("shape", str(len(values)))
    return values.reshape([int(size) for size in shape.split(",")])


def _rounded(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}")


def _packed(text: str) -> str:
    # No time of writing: the same content gives the same file.
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
