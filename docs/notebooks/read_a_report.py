# %% [markdown]
# # Read a report
# What a report says, as frames and figures: which baseline facts matter for remission in PTSD, would they matter at another site, how sure is that?
# On simulated patients: nothing here is a finding about people.

# %%
import os
from pathlib import Path

from kappredict.evaluation.settings import ExplanationSettings, read_settings
from kappredict.reporting.page import write_report
from kappredict.reporting.summary import rank_agreement, short_answers
from kappredict.tracking.store import Store
from pipelines.simulate import simulate
from pipelines.train import train

work = Path(os.environ.get("WORK", "build/notebooks"))
simulate(work / "study", patients=1500, seed=11)
settings = read_settings("light").model_copy(
    update={
        "outcomes": ("remission",),
        "resamples": 20,
        "explanation": ExplanationSettings(folds=2, shuffled_outcomes=5, refits=True, resamples=20),
    }
)
training = train(
    ["ptsd"], work / "study", settings, work / "models", Store.at(str(work / "mlflow"))
)
(one,) = training.trained
found = one.findings

# %% [markdown]
# The answer first.

# %%
for question, answer in short_answers(found):
    print(f"{question} {answer}")

# %% [markdown]
# Importance three ways. `noise` is what a fact reaches with shuffled outcomes; a signal's interval lies above it.

# %%
importance = found.tables["importance"]
columns = ["group", "value", "low", "high", "noise", "signal"]
for measure, rows in importance.groupby("measure"):
    print(measure)
    print(rows.nlargest(5, "value")[columns].round(3).to_string(index=False))

# %% [markdown]
# Would the same facts matter elsewhere? 1 is the same order, 0 is chance.

# %%
print(rank_agreement(found.tables["stability"]).round(2).to_string(index=False))
figure = found.figures["importance"]

# %% [markdown]
# All of it as one file that opens offline.

# %%
write_report(work / "report.html", "Simulated study", [found], ())
print(f"{(work / 'report.html').stat().st_size / 1e6:.1f} MB")
