"""A search as a table, and in Optuna's own figures."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from optuna import visualization
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

_FIGURES: Mapping[str, Callable[[Study], go.Figure]] = {
    "history": visualization.plot_optimization_history,
    "importances": visualization.plot_param_importances,
    "parallel": visualization.plot_parallel_coordinate,
    "slices": visualization.plot_slice,
    "folds": visualization.plot_intermediate_values,
    "distribution": visualization.plot_edf,
    "timeline": visualization.plot_timeline,
}


def trials_table(part: str, trials: Sequence[FrozenTrial]) -> pd.DataFrame:
    """Give one row per trial: its number, state, loss, seconds, folds judged, and settings."""
    return pd.DataFrame(
        [
            {
                "search": part,
                "trial": one.number,
                "state": one.state.name.lower(),
                "loss": one.value if one.state == TrialState.COMPLETE else None,
                "folds": len(one.intermediate_values),
                "seconds": one.duration.total_seconds() if one.duration else None,
                **one.params,
            }
            for one in trials
        ]
    )


def figures_of(study: Study, *, synthetic: bool) -> Mapping[str, go.Figure]:
    """Draw a search in Optuna's figures; none where all trials have one and the same loss."""
    losses = {one.value for one in study.get_trials(states=(TrialState.COMPLETE,))}
    with warnings.catch_warnings():
        # That the importance of what few trials had is a guess: so it is, and the plot shows it.
        warnings.simplefilter("ignore", UserWarning)
        figures = {name: draw(study) for name, draw in _FIGURES.items() if len(losses) > 1}
    for figure in figures.values() if synthetic else ():
        figure.update_layout(title=f"{figure.layout.title.text or ''} – synthetic data")
    return figures
