# %% [markdown]
# # Relapse curves
# How likely a patient is to stay well, day by day, how sure that is, and what moves it at each horizon. On simulated patients.

# %%
import os
from pathlib import Path

import pandas as pd

from kappredict.config.catalogue import load_catalogue
from kappredict.data.validation import load_study
from kappredict.domain.prediction import Prediction
from kappredict.evaluation.settings import ExplanationSettings, read_settings
from kappredict.explanation.study_answers import answer_study
from kappredict.tracking.store import Store
from pipelines.simulate import simulate
from pipelines.train import train

work = Path(os.environ.get("WORK", "build/notebooks"))
simulate(work / "relapse", patients=1200, seed=12)
settings = read_settings("light").model_copy(
    update={
        "outcomes": ("relapse",),
        "resamples": 20,
        "explanation": ExplanationSettings(
            folds=2, shuffled_outcomes=3, refits=False, resamples=20
        ),
    }
)
training = train(
    ["aud"], work / "relapse", settings, work / "models", Store.at(str(work / "mlflow"))
)
(one,) = training.trained

# %% [markdown]
# One patient: the curve with its band.

# %%
answers = answer_study(one.bundle, load_study(work / "relapse", load_catalogue()))
first = next(each for each in answers if isinstance(each, Prediction))
curve = pd.DataFrame(
    [(day, well, *first.survival_interval[day]) for day, well in first.survival.items()],
    columns=["day", "well", "low", "high"],
)
print(curve.round(2).to_string(index=False))

# %% [markdown]
# The reasons add up to it, at every horizon.

# %%
for reason in first.reasons[:5]:
    print(reason.sentence)
for day, well in first.survival.items():
    total = first.start_by_day[day] + sum(r.points_by_day[day] for r in first.reasons) / 100
    assert abs(total - well) < 1e-8

# %% [markdown]
# Observed beside predicted, by thirds of predicted risk.

# %%
figure = one.findings.figures["relapse_curves"]
print([trace.name for trace in figure.data])
