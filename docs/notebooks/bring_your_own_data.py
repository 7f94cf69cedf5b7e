# %% [markdown]
# # Bring your own data
# A clinic's export in two CSV files becomes a study by one SELECT per table, run by DuckDB.

# %%
import os
from pathlib import Path

from kappredict.config.catalogue import load_catalogue
from kappredict.data.validation import load_study
from kappredict.errors import DataError
from pipelines.import_study import import_study

work = Path(os.environ.get("WORK", "build/notebooks")) / "clinic"
source, folder = work / "export", work / "import"
for each in (source, folder):
    each.mkdir(parents=True, exist_ok=True)

people = "chart,born,gender,first_dose\nA1,1980,F,2024-03-01\nA2,1991,M,2024-04-10\n"
scores = (
    "chart,taken,scale,points\nA1,2024-02-27,PHQ9,19\nA1,2024-04-20,PHQ9,8\nA2,2024-04-08,PHQ9,15\n"
)
(source / "people.csv").write_text(people)
(source / "scores.csv").write_text(scores)

# %% [markdown]
# Days count from each patient's first dose, so that nothing needs a date.

# %%
(folder / "study.yaml").write_text(
    "id: clinic\nlabel: A clinic's export\nsynthetic: true\nlicence: made up for this notebook\n"
)
(folder / "patients.sql").write_text(
    "SELECT chart AS patient_id, 2024 - born AS age,\n"
    "       CASE gender WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' END AS sex FROM people\n"
)
(folder / "courses.sql").write_text(
    "SELECT chart AS course_id, chart AS patient_id, 'depression' AS condition, 0 AS index_day\n"
    "FROM people\n"
)
(folder / "assessments.sql").write_text(
    "SELECT chart AS patient_id, date_diff('day', first_dose, taken) AS day,\n"
    "       'phq9' AS instrument, points AS value\n"
    "FROM scores JOIN people USING (chart)\n"
)
import_study(folder, source, work / "study", own_configs=None)
study = load_study(work / "study", load_catalogue())
print(study.assessments[["day", "instrument", "value"]].to_string(index=False))

# %% [markdown]
# What is wrong is said with its place and the remedy, all of it at once.

# %%
(source / "scores.csv").write_text(scores.replace("19", "91"))
try:
    import_study(folder, source, work / "study", own_configs=None)
except DataError as error:
    print(error)
