# %% [markdown]
# # Train on a real study
# Two trials for opioid use disorder (CTN-0027, CTN-0030): relapse within 12 weeks, predicted at baseline. The studies lie beside the checkout and are
# never part of it; set `STUDIES` to their folder.

# %%
import os
from pathlib import Path

from kappredict.evaluation.settings import ExplanationSettings, read_settings
from kappredict.tracking.store import Store
from pipelines.import_study import import_study
from pipelines.train import train
from pipelines.validate import validate

studies = Path(os.environ.get("STUDIES", "../shared/data"))
work = Path(os.environ.get("WORK", "build/notebooks"))

# %% [markdown]
# Import is SQL: a folder with one SELECT per table. Validation reports every problem at once.

# %%
import_study(
    Path("configs/studies/ctn0094"), studies / "ctn0094", work / "ctn0094", own_configs=None
)
validate(work / "ctn0094", own_configs=None)

# %% [markdown]
# `light` settings: a look, not a result (those are in docs/results.md). One outcome, the trials left out in turn.

# %%
light = read_settings("light")
settings = light.model_copy(
    update={
        "outcomes": ("relapse",),
        "relapse_candidates": light.relapse_candidates[:1],
        "resamples": 20,
        "explanation": ExplanationSettings(
            folds=2, shuffled_outcomes=3, refits=False, resamples=20
        ),
        "schemes": light.schemes.model_copy(
            update={"leave_study_out": read_settings("default").schemes.leave_study_out}
        ),
    }
)
training = train(
    ["oud"], work / "ctn0094", settings, work / "models", Store.at(str(work / "mlflow"))
)

# %% [markdown]
# The hardest split first: each trial predicted by a model of the other one.

# %%
(one,) = training.trained
performance = one.findings.tables["performance"]
left_out = performance[(performance["held_out"] != "") & (performance["figure"] == "c_index")]
print(left_out[["held_out", "value", "low", "high"]].round(2).to_string(index=False))
