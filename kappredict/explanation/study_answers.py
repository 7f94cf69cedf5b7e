"""The answers of a bundle to the courses of a study."""

from kappredict.cohort.courses import find_cohort
from kappredict.data.history import History
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.errors import DataError
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.answer import answer_features
from kappredict.features.build import build_features


def answer_study(bundle: ModelBundle, study: Study) -> list[Prediction | Abstention]:
    """Answer the bundle's task for every course of its condition that is at the landmark.

    The same `History` and `build_features` as in training; one patient or many.

    Raises
    ------
    DataError
        If the study has no course that the task can be asked about.
    """
    study = with_totals(study, bundle.recipe.instruments)
    cohort = find_cohort(study, bundle.task)
    if not len(cohort.courses):
        steps = "; ".join(f"{label}: {n}" for label, n in cohort.attrition.steps)
        raise DataError(f"{bundle.task.name}: no course to predict for ({steps})")
    features = build_features(History.cut(study, cohort.courses), bundle.recipe.specs)
    return answer_features(bundle, features, cohort.courses["course_id"].tolist())
